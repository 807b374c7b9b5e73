import { describe, expect, test } from 'vitest'
import type { ClientKey } from '../core/client-key.ts'
import { createDemoKeys } from './demo-keys.ts'
import { hashClientKey, MemoryKeyring, newClientKey } from './keyring.ts'

const pepper = 'pepper'
function made(domain: string): { readonly secret: string; readonly key: ClientKey } {
  const { id, key: secret } = newClientKey()
  return {
    secret,
    key: { id, hash: hashClientKey(pepper, secret), domain, name: '', expiresAt: null, revokedAt: null },
  }
}

test('a key is found by itself alone, until it is replaced', () => {
  const [web, other] = [made('web'), made('other')]
  const keyring = new MemoryKeyring(pepper)
  expect(keyring.isEmpty).toBe(true)
  keyring.replace([web.key])
  expect(keyring.isEmpty).toBe(false)
  expect(keyring.find(web.secret)).toEqual(web.key)
  expect(keyring.find(other.secret)).toBeNull()
  expect(keyring.find(web.key.hash)).toBeNull()
  expect(new MemoryKeyring('other pepper').find(web.secret)).toBeNull()
  keyring.replace([other.key])
  expect(keyring.find(web.secret)).toBeNull()
})

describe('keys of generated traffic', () => {
  const demo = createDemoKeys(['web', 'api'], pepper)
  const secretOf = (domain: string): string => demo.headersOf(domain)['x-signalbox-key'] ?? ''

  test('open the gateway to that traffic and close it to nobody', () => {
    const keyring = new MemoryKeyring(pepper, demo.keys)
    expect(keyring.isEmpty).toBe(true)
    expect(keyring.find(secretOf('web'))?.domain).toBe('web')
    expect(keyring.find(secretOf('api'))?.domain).toBe('api')
    expect(demo.headersOf('unheard-of')).toEqual({})
  })

  test('survive any change of the keys in the database', () => {
    const keyring = new MemoryKeyring(pepper, demo.keys)
    const real = made('real')
    keyring.replace([real.key])
    expect([keyring.isEmpty, keyring.find(secretOf('web'))?.domain]).toEqual([false, 'web'])
    keyring.replace([])
    expect([keyring.isEmpty, keyring.find(secretOf('web'))?.domain]).toEqual([true, 'web'])
  })

  test('are unknown to any other instance', () => {
    expect(new MemoryKeyring(pepper, createDemoKeys(['web'], pepper).keys).find(secretOf('web'))).toBeNull()
  })
})
