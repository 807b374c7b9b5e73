/**
 * A test's reading of the published request shape of chat completions (OpenAI API reference, "Create chat completion",
 * 2026-11): the fields we send and no others, so that a field in the wrong place fails.
 */
import { z } from 'zod'

const text = z.strictObject({ type: z.literal('text'), text: z.string() })
const image = z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string().min(1) }) })
const file = z.strictObject({
  type: z.literal('file'),
  file: z.strictObject({ filename: z.string(), file_data: z.string().startsWith('data:application/pdf;base64,') }),
})
const texts = z.union([z.string(), z.array(text).min(1)])
const call = z.strictObject({
  id: z.string().min(1).max(40),
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    arguments: z.string().refine((json) => JSON.parse(json) !== undefined),
  }),
})

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: texts }),
  z.strictObject({ role: z.literal('developer'), content: texts }),
  z.strictObject({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(z.union([text, image, file])).min(1)]),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: texts.nullable(),
    tool_calls: z.array(call).min(1).optional(),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string().min(1).max(40), content: z.string() }),
])

const effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh'])

export const publishedRequest = z
  .strictObject({
    model: z.string().min(1),
    messages: z.array(message).min(1),
    tools: z
      .array(
        z.strictObject({
          type: z.literal('function'),
          function: z.strictObject({
            name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
            description: z.string().optional(),
            parameters: z.looseObject({ type: z.literal('object') }),
          }),
        }),
      )
      .min(1)
      .optional(),
    tool_choice: z
      .union([
        z.enum(['auto', 'required', 'none']),
        z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) }),
      ])
      .optional(),
    parallel_tool_calls: z.boolean().optional(),
    max_tokens: z.int().min(1).optional(),
    max_completion_tokens: z.int().min(1).optional(),
    temperature: z.number().min(0).max(2).optional(),
    top_p: z.number().min(0).max(1).optional(),
    stop: z.array(z.string()).min(1).max(4).optional(),
    reasoning_effort: effort.optional(),
    response_format: z
      .strictObject({
        type: z.literal('json_schema'),
        json_schema: z.strictObject({
          name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
          schema: z.looseObject({}),
          strict: z.boolean().optional(),
        }),
      })
      .optional(),
    safety_identifier: z.string().optional(),
    stream: z.literal(true).optional(),
    stream_options: z.strictObject({ include_usage: z.literal(true) }).optional(),
  })
  .refine((body) => body.tool_choice === undefined || body.tools !== undefined, 'tool_choice without tools')
  .refine((body) => body.stream_options === undefined || body.stream === true, 'stream_options without stream')
  .superRefine((body, context) => {
    // Each call is answered directly behind its turn, and nothing is answered that was not called.
    let open = new Set<string>()
    for (const one of body.messages) {
      if (one.role === 'tool') {
        if (!open.delete(one.tool_call_id)) context.addIssue(`tool message without a call: ${one.tool_call_id}`)
        continue
      }
      if (open.size > 0) context.addIssue(`unanswered calls: ${[...open].join()}`)
      open = new Set(one.role === 'assistant' ? (one.tool_calls ?? []).map(({ id }) => id) : [])
    }
    if (open.size > 0) context.addIssue(`unanswered calls: ${[...open].join()}`)
  })
