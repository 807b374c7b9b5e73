/**
 * What becomes of every field and block of a Messages request on its way to the Responses API. The translation obeys it,
 * and the documentation is made from it.
 */
export type Fate = 'carried' | 'converted' | 'dropped' | 'refused'

export interface FateRow {
  readonly fate: Fate
  readonly how: string
}

const row = (fate: Fate, how: string): FateRow => ({ fate, how })
const anthropicOnly = row('dropped', 'Anthropic’s own')
const toldInText = row('dropped', 'the answer’s text says what came of it')

export const fieldFates: Readonly<Record<string, FateRow>> = {
  model: row('converted', 'the target’s name of the model'),
  messages: row('converted', 'input items of the same order; see the blocks'),
  system: row('converted', 'instructions; several blocks as the parts of one leading developer message'),
  tools: row('converted', 'functions; tools that run on Anthropic’s side are dropped'),
  tool_choice: row('converted', 'tool_choice and parallel_tool_calls'),
  max_tokens: row('converted', 'max_output_tokens, clamped to what the model can, and to 16 at least'),
  stream: row('carried', ''),
  temperature: row('carried', 'clamped to the range; dropped where reasoning models refuse it'),
  top_p: row('carried', 'dropped where reasoning models refuse it'),
  top_k: row('dropped', 'the API has no such parameter'),
  stop_sequences: row(
    'converted',
    'kept by the gateway: the API has no such parameter, so what follows is cut off here',
  ),
  thinking: row(
    'converted',
    'reasoning.effort, and a summary where thoughts are asked for (display summarized, or a budget)',
  ),
  output_config: row('converted', 'reasoning.effort and text.format'),
  output_format: row('converted', 'text.format'),
  metadata: row('converted', 'a keyed hash for the user as safety_identifier, never the value'),
  cache_control: row('dropped', 'caching is the provider’s own'),
  service_tier: anthropicOnly,
  speed: anthropicOnly,
  inference_geo: anthropicOnly,
  context_management: anthropicOnly,
  compaction: anthropicOnly,
  fallbacks: row('dropped', 'Anthropic’s own; routes say where a call goes'),
  fallback_credit_token: anthropicOnly,
  safeguards: anthropicOnly,
  diagnostics: anthropicOnly,
  billing_policy: anthropicOnly,
  mcp_servers: row('dropped', 'servers that Anthropic would call'),
  betas: anthropicOnly,
  user_profile_id: row('dropped', 'never leaves to another provider'),
  workspace_id: row('dropped', 'never leaves to another provider'),
  thread: anthropicOnly,
  container: row('refused', 'files and state that live at Anthropic'),
}

export const blockFates: Readonly<Record<string, FateRow>> = {
  text: row('carried', 'exact, block by block'),
  image: row('converted', 'input_image, in tool results too; refused where the model sees no images'),
  document: row('converted', 'text sources as text; PDF, as base64 or URL, as input_file'),
  search_result: row('converted', 'text with its source'),
  tool_reference: row('converted', 'text that the tool is available; the tool is in tools'),
  tool_addition: row('converted', 'text that the tool is available; the tool is in tools'),
  tool_removal: row('converted', 'text that the tool is not available any more'),
  tool_use: row('converted', 'function_call items'),
  tool_result: row('converted', 'one function_call_output a call, with its images and files'),
  thinking: row('converted', 'the provider’s own reasoning items back to it; what others thought is dropped'),
  redacted_thinking: row('dropped', 'only Anthropic can read it'),
  compaction: row('converted', 'its text stands for what came before it'),
  server_tool_use: toldInText,
  web_search_tool_result: row('converted', 'text with titles and addresses'),
  web_fetch_tool_result: toldInText,
  code_execution_tool_result: toldInText,
  bash_code_execution_tool_result: toldInText,
  text_editor_code_execution_tool_result: toldInText,
  tool_search_tool_result: row('dropped', 'tools that it names are in tools'),
  mcp_tool_use: toldInText,
  mcp_tool_result: toldInText,
  mcp_tool_listing: toldInText,
  advisor_tool_result: toldInText,
  fallback: anthropicOnly,
  container_upload: row('refused', 'files that live at Anthropic'),
}
