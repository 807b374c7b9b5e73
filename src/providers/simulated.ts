import { defineProvider } from './define.ts'

/** The simulated provider: speaks Anthropic Messages on this machine, asks for no key and is given none. */
export const simulated = defineProvider({
  type: 'simulated',
  title: 'Simulated',
  baseUrl: null,
  baseIsRoot: true,
  env: 'SIMULATED',
  key: 'none',
  ways: { messages: { dialect: null, sign: () => [] } },
  probe: { path: '/v1/models?limit=1', sign: () => [], judgesKey: false },
  page: {
    model: 'claude-sonnet-5',
    keysAt: null,
    notes: [
      'For demonstrations and tests: `signalbox demo`, or DEFAULT_PROVIDER=simulated. It costs nothing and leaves the machine never; docs/simulator.md tells how to make it fail.',
    ],
  },
})
