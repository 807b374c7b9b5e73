/**
 * What becomes of every field and block of a Messages request on its way to another provider that speaks Messages. The
 * translation obeys it, and the documentation is made from it. What hangs on the provider is in `quirks.ts`.
 */
export type Fate = 'carried' | 'converted' | 'dropped' | 'refused'

export interface FateRow {
  readonly fate: Fate
  readonly how: string
}

const row = (fate: Fate, how: string): FateRow => ({ fate, how })
const anthropics = row('dropped', 'Anthropic’s own')
const answersTell = row('dropped', 'the answer’s text says what came of it')

export const fieldFates: Readonly<Record<string, FateRow>> = {
  model: row('converted', 'the target’s name of the model'),
  messages: row('carried', 'see the blocks; instructions in the middle as user text in <system-reminder>'),
  system: row('carried', 'without the attribution block'),
  tools: row('carried', 'tools that run on Anthropic’s side are dropped'),
  tool_choice: row('carried', 'ollama has none: calls that force a tool go by chat completions'),
  max_tokens: row('carried', 'clamped to what the model can'),
  stream: row('carried', ''),
  temperature: row('carried', ''),
  top_p: row('carried', ''),
  top_k: row('carried', 'dropped for deepseek'),
  stop_sequences: row('carried', ''),
  thinking: row('carried', 'adaptive becomes a budget where the provider knows no other'),
  output_config: row('carried', 'dropped for ollama; a schema goes by chat completions there'),
  output_format: row('converted', 'output_config.format'),
  metadata: row('converted', 'a keyed hash for the user to openrouter, else dropped; never the value'),
  cache_control: row('dropped', 'carried to openrouter’s models that take it, and to servers of your own'),
  service_tier: anthropics,
  speed: anthropics,
  inference_geo: anthropics,
  context_management: anthropics,
  compaction: anthropics,
  fallbacks: row('dropped', 'Anthropic’s own; routes say where a call goes'),
  fallback_credit_token: anthropics,
  safeguards: anthropics,
  diagnostics: anthropics,
  billing_policy: anthropics,
  mcp_servers: row('dropped', 'servers that Anthropic would call'),
  betas: anthropics,
  user_profile_id: row('dropped', 'never leaves to another provider'),
  workspace_id: row('dropped', 'never leaves to another provider'),
  thread: anthropics,
  container: row('refused', 'files and state that live at Anthropic'),
}

export const blockFates: Readonly<Record<string, FateRow>> = {
  text: row('carried', 'exact'),
  image: row('carried', 'by address only where the provider reads those; refused where the model sees no images'),
  document: row('converted', 'text as text; PDF carried to openrouter and servers of your own, else refused'),
  search_result: row('converted', 'text with its source'),
  tool_reference: row('converted', 'text that the tool is available; the tool is in tools'),
  tool_addition: row('converted', 'text that the tool is available; the tool is in tools'),
  tool_removal: row('converted', 'text that the tool is not available any more'),
  tool_use: row('carried', ''),
  tool_result: row('carried', ''),
  thinking: row('converted', 'the provider’s own with its own signature; what others thought is dropped'),
  redacted_thinking: row('dropped', 'only Anthropic can read it'),
  compaction: row('converted', 'its text stands for what came before it'),
  server_tool_use: answersTell,
  web_search_tool_result: row('converted', 'text with titles and addresses'),
  web_fetch_tool_result: answersTell,
  code_execution_tool_result: answersTell,
  bash_code_execution_tool_result: answersTell,
  text_editor_code_execution_tool_result: answersTell,
  tool_search_tool_result: row('dropped', 'tools that it names are in tools'),
  mcp_tool_use: answersTell,
  mcp_tool_result: answersTell,
  mcp_tool_listing: answersTell,
  advisor_tool_result: answersTell,
  fallback: anthropics,
  container_upload: row('refused', 'files that live at Anthropic'),
}
