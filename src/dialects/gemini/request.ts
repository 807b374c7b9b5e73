import type { TranslatedRequest, TranslationTarget } from '../../core/dialect.ts'
import type { MessagesRequest } from '../../core/messages.ts'
import { Notes, refuse } from '../shared/notes.ts'
import { createToolNames } from '../shared/tool-names.ts'
import { toContents, toSystemParts } from './conversation.ts'
import { fieldFates } from './fates.ts'
import { stepLimit } from './flat-schema.ts'
import { isGeneration3 } from './models.ts'
import type { GeminiOptions, Scope } from './scope.ts'
import { answerFormat, generationConfig } from './settings.ts'
import { callSignaturesOf } from './signatures.ts'
import { offeredTools, toolFields } from './tools.ts'

/** A Messages request as one of `generateContent`. The same request always gives the same text. */
export function toUpstream(
  request: MessagesRequest,
  target: TranslationTarget,
  options: GeminiOptions,
): TranslatedRequest {
  const scope: Scope = {
    request,
    target,
    options,
    notes: new Notes(),
    names: createToolNames(isName),
    isGeneration3: isGeneration3(target),
    loaded: new Set(),
    added: [],
    schemaSteps: { left: stepLimit },
    callSignatures: callSignaturesOf(request.messages),
  }
  judgeFields(scope)
  const system = toSystemParts(scope)
  const contents = toContents(scope)
  if (contents.length === 0) throw refuse('messages', 'nothing of the conversation can be sent to this provider')
  const tools = offeredTools(scope)
  const format = answerFormat(scope, tools.functions.length > 0 || tools.search)
  if (format.prompt !== null) system.push({ text: format.prompt })
  const body = {
    ...(system.length > 0 && { systemInstruction: { parts: system } }),
    ...toolFields(scope, tools),
    contents,
    generationConfig: generationConfig(scope, format),
  }
  return {
    path: pathOf(target.model, request.stream),
    body: bodyText(body),
    notes: scope.notes.all,
    toolNames: scope.names.changed,
  }
}

/** JSON is read at any depth, and written at less. */
function bodyText(body: object): string {
  try {
    return JSON.stringify(body)
  } catch (error) {
    if (error instanceof RangeError) throw refuse('messages', 'nested too deep')
    throw error
  }
}

/** Letters, digits and `_.:-`, a letter or `_` first, 64 at most (Gemini API reference, `FunctionDeclaration.name`). */
const isName = (name: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/.test(name)

/** A model is a resource: `gemini-3-pro` stands for `models/gemini-3-pro`, `tunedModels/x` for itself. */
function pathOf(model: string, stream: boolean): string {
  const segments = model.includes('/') ? model.split('/') : ['models', model]
  // The caller may have spelled the name; it must not lead to another resource.
  if (segments.some((segment) => /^\.{0,2}$/.test(segment))) throw refuse('model', 'no name of a Gemini model')
  const encoded = segments.map(encodeURIComponent).join('/')
  return stream ? `/${encoded}:streamGenerateContent?alt=sse` : `/${encoded}:generateContent`
}

/** Fields that have no place at the provider: refused or dropped as the table says, unknown ones dropped. */
function judgeFields({ request, target, notes }: Scope): void {
  for (const [field, value] of Object.entries(request.fields)) {
    if (value === undefined || value === null) continue
    const row = fieldFates[field]
    if (row?.fate === 'refused') throw refuse(field, `${target.provider} has nothing that could stand for it`)
    if (row === undefined) notes.add('other_field', 'dropped')
    else if (field === 'metadata') notes.add('metadata.user_id', 'dropped')
    else if (row.fate === 'dropped') notes.add(field, 'dropped')
  }
}
