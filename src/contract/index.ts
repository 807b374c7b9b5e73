/** The dashboard API in one table, by the name the web page calls an endpoint with. */
import { database } from './database.ts'
import { exportEndpoint } from './export.ts'
import { health } from './health.ts'
import { live, sse } from './live.ts'
import { checkProviders, providers } from './providers.ts'
import { request, requests } from './requests.ts'
import { session, signIn, signOut } from './session.ts'
import { setup } from './setup.ts'
import { stats } from './stats.ts'
import { timeline } from './timeline.ts'
import { currentUsage, dailyUsage } from './token-usage.ts'

export const endpoints = {
  health,
  stats,
  currentUsage,
  dailyUsage,
  timeline,
  requests,
  request,
  live,
  sse,
  signIn,
  session,
  signOut,
  setup,
  database,
  providers,
  checkProviders,
  export: exportEndpoint,
} as const
