import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createCommands } from '../../../src/cli/program.ts'
import { CONFIG_FILES } from '../../../src/config/load.ts'
import { toTaskQueues } from '../../../src/run/names.ts'
import { documentAt, documents, firstColumn, placesOf, root, tableOf } from '../../support/documents.ts'

/** What the documents name exists. That their commands and code work is test/docker/docs.test.ts. */

const Package = z.object({ version: z.string(), scripts: z.record(z.string(), z.string()) })
const { version, scripts } = Package.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))

describe.each(documents.map((document) => [document.path, document] as const))('%s', (_, document) => {
  test('links to what is there', () => {
    const local = document.links.filter((target) => !/^https?:/.test(target))
    const missing = local.filter((target) => !existsSync(placesOf(document, target.split('#', 1)[0] ?? '')[0] ?? ''))
    expect(missing).toEqual([])
  })

  test('names files and folders that are there', () => {
    const named = document.spans.filter(
      (span) =>
        /^[\w.-]+(\/[\w.*-]+)*\/?$/.test(span) &&
        (/^(src|test|bench|examples|scripts|docs|prompts|tools)\//.test(span) || /\.(ts|md|json|yml|mjs)$/.test(span)),
    )
    const missing = named.filter(
      (name) => !CONFIG_FILES.includes(name) && !placesOf(document, name).some((place) => globSync(place).length > 0),
    )
    expect(missing).toEqual([])
  })

  test('has blocks of languages that a test knows what to do with', () => {
    for (const { language, lines } of document.blocks) {
      expect(['sh', 'ts', 'text'], lines.join('\n')).toContain(language)
    }
  })

  test('names commands and options that exist', () => {
    const commands = createCommands()
    const code = [...document.spans, ...document.blocks.flatMap(({ lines }) => lines)]
    const unknown: string[] = []
    for (const line of code) {
      for (const [, name = '', rest = ''] of line.matchAll(/(?<![@\w/-])recourse ([a-z][a-z-]*)((?: [^#&|]*)?)/g)) {
        const command = commands.find((each) => each.name() === name)
        if (!command) unknown.push(`recourse ${name}`)
        const known = ['--help', ...(command?.options.flatMap(({ long }) => long ?? []) ?? [])]
        const used = [...rest.matchAll(/(?<=\s)--[a-z-]+/g)].map(([option]) => option)
        unknown.push(...used.filter((option) => !known.includes(option)).map((option) => `recourse ${name} ${option}`))
      }
      for (const [, script = ''] of line.matchAll(/npm run (?:-s )?([\w-]+)/g)) {
        if (!(script in scripts)) unknown.push(`npm run ${script}`)
      }
    }
    expect(unknown).toEqual([])
  })
})

test('the changelog begins with the version of the package', () => {
  expect(documentAt('CHANGELOG.md').text.match(/^## (\S+)/m)?.[1]).toBe(version)
})

test('DESIGN.md names the task queue of each role', () => {
  const { rows } = tableOf(documentAt('DESIGN.md'), 'role')
  const queues = Object.fromEntries(rows.map(([role = '', queue = '']) => [role, queue.replaceAll('`', '')]))
  expect(queues).toEqual(toTaskQueues('recourse'))
})

test('BENCHMARKS.md names the options and the benchmarks of bench/main.ts', () => {
  const source = readFileSync(join(root, 'bench/main.ts'), 'utf8')
  const document = documentAt('BENCHMARKS.md')
  const options = [...source.matchAll(/^ {4}(\w+): \{ type:/gm)].map(([, name]) => `--${name}`)
  expect(firstColumn(tableOf(document, 'option')).toSorted()).toEqual(options.toSorted())
  const names = [...source.matchAll(/^ {2}'([\w-]+)': (?:async )?\(\) =>/gm)].map(([, name]) => name)
  expect(names).not.toEqual([])
  expect(firstColumn(tableOf(document, 'name'))).toEqual(names)
  const targets = [...source.matchAll(/target: '([^']+)'/g)].map(([, target]) => target)
  for (const file of ['run-to-decision', 'support-desk']) {
    targets.push(readFileSync(join(root, `bench/${file}.ts`), 'utf8').match(/target: '([^']+)'/)?.[1])
  }
  expect(
    tableOf(document, 'name')
      .rows.map((row) => row.at(-1))
      .toSorted(),
  ).toEqual(targets.toSorted())
})
