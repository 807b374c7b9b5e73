/**
 * What becomes of every field and block of a Messages request on its way to Gemini. The translation obeys it, and the
 * documentation is made from it. What becomes of schemas is in `schema.ts`.
 */
export type Fate = 'carried' | 'converted' | 'dropped' | 'refused'

export interface FateRow {
  readonly fate: Fate
  readonly how: string
}

const row = (fate: Fate, how: string): FateRow => ({ fate, how })

export const fieldFates: Readonly<Record<string, FateRow>> = {
  model: row('converted', 'the target’s name of the model, in the path'),
  messages: row('converted', 'contents of the same order, turns of one role joined; see the blocks'),
  system: row('converted', 'systemInstruction; in the middle of the conversation a reminder in the user’s turn'),
  tools: row(
    'converted',
    'functionDeclarations in Gemini’s subset of schemas; tools that run at Anthropic are dropped',
  ),
  tool_choice: row('converted', 'functionCallingConfig; there is no switch for parallel calls'),
  max_tokens: row('converted', 'maxOutputTokens, clamped to what the model can'),
  stream: row('carried', 'streamGenerateContent'),
  temperature: row('carried', 'clamped to the range'),
  top_p: row('carried', 'topP'),
  top_k: row('carried', 'topK'),
  stop_sequences: row('converted', 'stopSequences; more than five are refused'),
  thinking: row('converted', 'thinkingLevel, before Gemini 3 thinkingBudget; includeThoughts unless they are omitted'),
  output_config: row('converted', 'effort as thinking, format as responseSchema'),
  output_format: row('converted', 'responseSchema'),
  metadata: row('dropped', 'Gemini has no field for an end user'),
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
  image: row('converted', 'inlineData or fileData; refused where the model sees no images'),
  document: row('converted', 'text sources as text, PDF as inlineData, else refused'),
  search_result: row('converted', 'text with its source'),
  tool_reference: row('converted', 'text that the tool is available; the tool is in tools'),
  tool_addition: row('converted', 'text that the tool is available; the tool is in tools'),
  tool_removal: row('converted', 'text that the tool is not available any more'),
  tool_use: row('converted', 'functionCall, with its thought signature'),
  tool_result: row('converted', 'functionResponse; its files inside it, before Gemini 3 behind it'),
  thinking: row('converted', 'thoughts and thought signatures back to where they were; what others thought is dropped'),
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
