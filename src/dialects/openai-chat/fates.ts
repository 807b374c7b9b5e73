/**
 * What becomes of every field and block of a Messages request on its way to chat completions. The translation obeys it,
 * and the documentation is made from it. Details that hang on the provider are in `quirks.ts`.
 */
export type Fate = 'carried' | 'converted' | 'dropped' | 'refused'

export interface FateRow {
  readonly fate: Fate
  readonly how: string
}

const row = (fate: Fate, how: string): FateRow => ({ fate, how })

export const fieldFates: Readonly<Record<string, FateRow>> = {
  model: row('converted', 'the target’s name of the model'),
  messages: row('converted', 'messages of the same order; see the blocks'),
  system: row('converted', 'one leading system message (developer for OpenAI’s reasoning models)'),
  tools: row('converted', 'functions; tools that run on Anthropic’s side are dropped'),
  tool_choice: row('converted', 'tool_choice and parallel_tool_calls'),
  max_tokens: row('converted', 'max_tokens or max_completion_tokens, clamped to what the model can'),
  stream: row('carried', 'with stream_options.include_usage where it is taken'),
  temperature: row('carried', 'clamped to the range; dropped where reasoning models refuse it'),
  top_p: row('carried', 'dropped where reasoning models refuse it'),
  top_k: row('dropped', 'carried to openrouter'),
  stop_sequences: row('converted', 'stop; more than the model takes are refused'),
  thinking: row('converted', 'the provider’s words for effort'),
  output_config: row('converted', 'effort and response_format'),
  output_format: row('converted', 'response_format'),
  metadata: row('converted', 'a keyed hash for the user where the provider has a field for it, never the value'),
  cache_control: row('dropped', 'caching is the provider’s own'),
  service_tier: row('dropped', 'Anthropic’s own'),
  speed: row('dropped', 'Anthropic’s own'),
  inference_geo: row('dropped', 'Anthropic’s own'),
  context_management: row('dropped', 'Anthropic’s own'),
  compaction: row('dropped', 'Anthropic’s own'),
  fallbacks: row('dropped', 'Anthropic’s own; routes say where a call goes'),
  fallback_credit_token: row('dropped', 'Anthropic’s own'),
  safeguards: row('dropped', 'Anthropic’s own'),
  diagnostics: row('dropped', 'Anthropic’s own'),
  billing_policy: row('dropped', 'Anthropic’s own'),
  mcp_servers: row('dropped', 'servers that Anthropic would call'),
  betas: row('dropped', 'Anthropic’s own'),
  user_profile_id: row('dropped', 'never leaves to another provider'),
  workspace_id: row('dropped', 'never leaves to another provider'),
  thread: row('dropped', 'Anthropic’s own'),
  container: row('refused', 'files and state that live at Anthropic'),
}

export const blockFates: Readonly<Record<string, FateRow>> = {
  text: row('carried', 'exact, block by block where the provider takes parts'),
  image: row('converted', 'image_url; refused where the model sees no images'),
  document: row('converted', 'text sources as text; PDF as file or document_url where taken, else refused'),
  search_result: row('converted', 'text with its source'),
  tool_reference: row('converted', 'text that the tool is available; the tool is in tools'),
  tool_addition: row('converted', 'text that the tool is available; the tool is in tools'),
  tool_removal: row('converted', 'text that the tool is not available any more'),
  tool_use: row('converted', 'tool_calls'),
  tool_result: row('converted', 'one tool message a call; images and files follow in a user message'),
  thinking: row('converted', 'the provider’s own reasoning back to it; what others thought is dropped'),
  redacted_thinking: row('dropped', 'only Anthropic can read it'),
  compaction: row('converted', 'its text stands for what came before it'),
  server_tool_use: row('dropped', 'the answer’s text says what came of it'),
  web_search_tool_result: row('converted', 'text with titles and addresses'),
  web_fetch_tool_result: row('dropped', 'the answer’s text says what came of it'),
  code_execution_tool_result: row('dropped', 'the answer’s text says what came of it'),
  bash_code_execution_tool_result: row('dropped', 'the answer’s text says what came of it'),
  text_editor_code_execution_tool_result: row('dropped', 'the answer’s text says what came of it'),
  tool_search_tool_result: row('dropped', 'tools that it names are in tools'),
  mcp_tool_use: row('dropped', 'the answer’s text says what came of it'),
  mcp_tool_result: row('dropped', 'the answer’s text says what came of it'),
  mcp_tool_listing: row('dropped', 'the answer’s text says what came of it'),
  advisor_tool_result: row('dropped', 'the answer’s text says what came of it'),
  fallback: row('dropped', 'Anthropic’s own'),
  container_upload: row('refused', 'files that live at Anthropic'),
}
