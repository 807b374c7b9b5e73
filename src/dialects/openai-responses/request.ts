import type { TranslatedRequest, TranslationTarget } from '../../core/dialect.ts'
import type { MessagesRequest } from '../../core/messages.ts'
import { Notes, refuse } from '../shared/notes.ts'
import { createToolNames } from '../shared/tool-names.ts'
import { toConversation } from './conversation.ts'
import { fieldFates } from './fates.ts'
import type { Scope } from './scope.ts'
import {
  answerFormat,
  effortOf,
  reasoningFields,
  sampling,
  stopSequencesOf,
  tokenLimit,
  userFields,
} from './settings.ts'
import { toolFields } from './tools.ts'

/** A Messages request as one to the Responses API. The same request always gives the same text. */
export function toUpstream(request: MessagesRequest, target: TranslationTarget): TranslatedRequest {
  const scope: Scope = {
    request,
    target,
    notes: new Notes(),
    names: createToolNames(),
    loaded: new Set(),
    added: [],
  }
  judgeFields(scope)
  const effort = effortOf(scope)
  const format = answerFormat(scope)
  // The conversation comes first: it tells which tools are loaded.
  const { instructions, input } = toConversation(scope, format.prompt)
  const body = {
    model: target.model,
    ...(instructions !== null && { instructions }),
    input,
    // Nothing is kept there: what the next turn needs comes back in signatures.
    store: false,
    ...toolFields(scope),
    ...tokenLimit(scope),
    ...sampling(scope, effort),
    ...reasoningFields(scope, effort),
    ...format.fields,
    ...userFields(scope),
    ...(request.stream && { stream: true }),
  }
  return {
    path: '/responses',
    body: JSON.stringify(body),
    notes: scope.notes.all,
    toolNames: scope.names.changed,
  }
}

/** Fields that have no place at the provider: refused or dropped as the table says, unknown ones dropped. */
function judgeFields({ request, target, notes }: Scope): void {
  for (const [field, value] of Object.entries(request.fields)) {
    if (value === undefined || value === null || field === 'top_k') continue
    const row = fieldFates[field]
    if (row?.fate === 'refused') throw refuse(field, `${target.provider} has nothing that could stand for it`)
    if (row === undefined) notes.add('other_field', 'dropped')
    else if (row.fate === 'dropped') notes.add(field, 'dropped')
  }
  if (stopSequencesOf(request.fields).length > 0) notes.add('stop_sequences', 'converted')
}
