/** Sums of the last sixty seconds in one slot a second, so that a figure costs the same at any rate. */
import type { RecordedExchange } from '../core/exchange.ts'
import { totalTokens } from '../core/usage.ts'
import { hasFailed } from './present.ts'

const slotsCount = 60

interface Slot {
  /** Epoch seconds this slot stands for. */
  second: number
  requests: number
  failed: number
  tokens: number
  costUsd: number
}

export interface LastMinute {
  add(exchange: RecordedExchange): void
  sums(now: number): Omit<Slot, 'second'>
}

export function createLastMinute(): LastMinute {
  const slots = new Map<number, Slot>()
  return {
    add(exchange) {
      const second = Math.floor(exchange.closedAt / 1000)
      const place = second % slotsCount
      const found = slots.get(place)
      // A record that was late by more than a minute belongs to a slot that has moved on.
      if (found !== undefined && found.second > second) return
      const slot = found?.second === second ? found : { second, requests: 0, failed: 0, tokens: 0, costUsd: 0 }
      slots.set(place, slot)
      slot.requests += 1
      slot.failed += hasFailed(exchange) ? 1 : 0
      slot.tokens += totalTokens(exchange.usage)
      slot.costUsd += exchange.costUsd
    },
    sums(now) {
      const oldest = Math.floor(now / 1000) - slotsCount
      const sum = { requests: 0, failed: 0, tokens: 0, costUsd: 0 }
      for (const slot of slots.values()) {
        if (slot.second <= oldest) continue
        sum.requests += slot.requests
        sum.failed += slot.failed
        sum.tokens += slot.tokens
        sum.costUsd += slot.costUsd
      }
      return sum
    },
  }
}
