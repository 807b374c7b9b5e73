import type { TranslatedRequest, TranslationTarget } from '../../core/dialect.ts'
import type { MessagesRequest } from '../../core/messages.ts'
import { Notes, refuse } from '../shared/notes.ts'
import { createToolNames } from '../shared/tool-names.ts'
import { toChatMessages } from './conversation.ts'
import { effortFields, effortOf } from './effort.ts'
import { fieldFates } from './fates.ts'
import type { ChatQuirks } from './quirks.ts'
import type { Scope } from './scope.ts'
import { answerFormat, sampling, stopSequences, streaming, tokenLimit, userFields } from './settings.ts'
import { toolFields } from './tools.ts'

/** A Messages request as a chat completions request. The same request always gives the same text. */
export function toUpstream(request: MessagesRequest, target: TranslationTarget, quirks: ChatQuirks): TranslatedRequest {
  const scope: Scope = {
    request,
    target,
    quirks,
    notes: new Notes(),
    names: createToolNames(),
    loaded: new Set(),
    added: [],
  }
  judgeFields(scope)
  const effort = effortOf(scope)
  const format = answerFormat(scope)
  // The conversation comes first: it tells which tools are loaded.
  const messages = toChatMessages(scope, format.prompt)
  const body = {
    model: target.model,
    messages,
    ...toolFields(scope),
    ...tokenLimit(scope),
    ...sampling(scope, effort),
    ...stopSequences(scope),
    ...effortFields(scope, effort),
    ...format.fields,
    ...userFields(scope),
    ...streaming(scope),
  }
  return {
    path: quirks.path,
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
}
