import { gemini as geminiDialect } from '../dialects/gemini/index.ts'
import { signGoogle } from '../signers/google.ts'
import { defineProvider } from './define.ts'

/** Google's Gemini API. */
export const gemini = defineProvider({
  type: 'gemini',
  title: 'Google Gemini',
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  env: 'GEMINI',
  ways: { gemini: { dialect: geminiDialect, sign: signGoogle } },
  models: {
    asOf: '2026-11',
    rows: [
      [/gemini-1/, { generation: 1.5, maxOutputTokens: 8_192, efforts: [] }],
      [/gemini-2\.0/, { generation: 2, maxOutputTokens: 8_192, efforts: [] }],
      [/gemini-2\.5/, { generation: 2.5, maxOutputTokens: 65_536 }],
      [/gemini-3/, { generation: 3, maxOutputTokens: 65_536 }],
      [/gemma/, { generation: 2, maxOutputTokens: 8_192, efforts: [] }],
    ],
  },
  probe: { path: '/models?pageSize=1', sign: signGoogle, judgesKey: true },
  page: {
    model: 'gemini-2.5-pro',
    keysAt: 'https://aistudio.google.com/apikey',
    notes: [
      'Tool schemas are converted to Gemini’s subset. Parallel calls can not be switched off.',
      'Gemini’s thought signatures travel in the signatures of thinking blocks and go back to it in the next turn.',
    ],
  },
})
