/**
 * A test's reading of the published request shape of the Responses API (OpenAI API reference, "Create a model response",
 * 2026-11): the fields we send and no others, so that a field in the wrong place fails.
 */
import { z } from 'zod'

const name = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/)
const callId = z.string().min(1).max(64)
const inputText = z.strictObject({ type: z.literal('input_text'), text: z.string() })
const inputImage = z.strictObject({
  type: z.literal('input_image'),
  image_url: z.string().regex(/^(data:image\/|https?:)/),
  detail: z.literal('auto'),
})
const inputFile = z.union([
  z.strictObject({
    type: z.literal('input_file'),
    filename: z.string(),
    file_data: z.string().startsWith('data:application/pdf;base64,'),
  }),
  z.strictObject({ type: z.literal('input_file'), file_url: z.string().startsWith('http') }),
])
const inputPart = z.union([inputText, inputImage, inputFile])

const item = z.union([
  z.strictObject({
    type: z.literal('message'),
    role: z.enum(['system', 'developer']),
    content: z.array(inputText).min(1),
  }),
  z.strictObject({
    type: z.literal('message'),
    role: z.literal('user'),
    content: z.union([z.string(), z.array(inputPart).min(1)]),
  }),
  z.strictObject({
    type: z.literal('message'),
    role: z.literal('assistant'),
    content: z.string().min(1),
    phase: z.enum(['commentary', 'final_answer']).optional(),
  }),
  z.strictObject({
    type: z.literal('reasoning'),
    id: z.string(),
    summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
    encrypted_content: z.string().min(1),
  }),
  z.strictObject({
    type: z.literal('function_call'),
    call_id: callId,
    name,
    arguments: z.string().refine((json) => JSON.parse(json) !== undefined),
  }),
  z.strictObject({
    type: z.literal('function_call_output'),
    call_id: callId,
    output: z.union([z.string(), z.array(inputPart).min(1)]),
  }),
])

export const publishedResponsesRequest = z
  .strictObject({
    model: z.string().min(1),
    instructions: z.string().optional(),
    input: z.array(item),
    store: z.literal(false),
    include: z.tuple([z.literal('reasoning.encrypted_content')]).optional(),
    tools: z
      .array(
        z.strictObject({
          type: z.literal('function'),
          name,
          description: z.string().optional(),
          parameters: z.looseObject({ type: z.literal('object') }),
          strict: z.boolean(),
        }),
      )
      .min(1)
      .optional(),
    tool_choice: z
      .union([z.enum(['auto', 'required', 'none']), z.strictObject({ type: z.literal('function'), name })])
      .optional(),
    parallel_tool_calls: z.boolean().optional(),
    max_output_tokens: z.int().min(16),
    temperature: z.number().min(0).max(2).optional(),
    top_p: z.number().min(0).max(1).optional(),
    reasoning: z
      .strictObject({
        effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).optional(),
        summary: z.literal('auto').optional(),
      })
      .optional(),
    text: z
      .strictObject({
        format: z.union([
          z.strictObject({
            type: z.literal('json_schema'),
            name,
            schema: z.looseObject({}),
            strict: z.boolean(),
          }),
          z.strictObject({ type: z.literal('json_object') }),
        ]),
      })
      .optional(),
    safety_identifier: z.string().optional(),
    stream: z.literal(true).optional(),
  })
  .refine((body) => body.tool_choice === undefined || body.tools !== undefined, 'tool_choice without tools')
  .superRefine((body, context) => {
    // Each call is answered, nothing is answered that was not called, and reasoning is followed by what it led to.
    const open = new Set<string>()
    body.input.forEach((one, at) => {
      if (one.type === 'function_call') open.add(one.call_id)
      else if (one.type === 'function_call_output' && !open.delete(one.call_id))
        context.addIssue(`output without a call: ${one.call_id}`)
      if (one.type !== 'reasoning') return
      const next = body.input[at + 1]
      const follows =
        next?.type === 'reasoning' ||
        next?.type === 'function_call' ||
        (next?.type === 'message' && next.role === 'assistant')
      if (!follows) context.addIssue('reasoning without what followed it')
    })
    if (open.size > 0) context.addIssue(`unanswered calls: ${[...open].join()}`)
  })
