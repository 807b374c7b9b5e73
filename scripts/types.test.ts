import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('`npm run types` checks every project of the tree; the one of the build compiles what the first one checks', () => {
  const projects = [
    '.',
    ...readdirSync('.', { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : [])),
  ]
    .filter((folder) => folder !== 'node_modules' && folder !== 'dist')
    .flatMap((folder) =>
      readdirSync(folder).flatMap((file) => (/^tsconfig.*\.json$/.test(file) ? [`${folder}/${file}`] : [])),
    )
    .map((file) => file.replace(/^\.\//, ''))
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  const checked = [...scripts.types.matchAll(/-p (\S+)/g)].map((match) => match[1])
  expect(checked).toContain('bench/tsconfig.json')
  expect(checked.sort()).toEqual(projects.filter((file) => file !== 'tsconfig.build.json').sort())
})
