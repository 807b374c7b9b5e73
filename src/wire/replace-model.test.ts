import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replaceModel } from './replace-model.ts'

test('changes the name and not one other byte', () => {
  const body = Buffer.from('{ "n" : 1.50e2,"model" :"claude-opus-5" , "text":"\\u00e9 \\"model\\": \\"x\\"" }')
  expect(replaceModel(body, 'claude-"x"').toString()).toBe(
    body.toString().replace('"claude-opus-5"', '"claude-\\"x\\""'),
  )
})

test('reads as the same body with another model, whatever else it holds', () => {
  const member = fc.tuple(fc.string(), fc.jsonValue())
  fc.assert(
    fc.property(fc.array(member), fc.array(member), fc.string(), fc.string(), (before, after, model, other) => {
      const text = (entries: readonly (readonly [string, unknown])[]) =>
        entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
      const keep = ([key]: readonly [string, unknown]) => key !== 'model' && key !== '__proto__'
      const members = [...text(before.filter(keep)), `"model":${JSON.stringify(model)}`, ...text(after.filter(keep))]
      const body = Buffer.from(`{${members.join(',')}}`)
      const wanted = { ...JSON.parse(body.toString()), model: other }
      expect(JSON.parse(replaceModel(body, other).toString())).toEqual(wanted)
    }),
  )
})

test('leaves a body without a model as it is', () => {
  const body = Buffer.from('{"messages":[{"model":"x"}]}')
  expect(replaceModel(body, 'y')).toBe(body)
})
