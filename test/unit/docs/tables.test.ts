import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { KNOWN_ERRORS, showError } from '../../../src/cli/errors.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { createCommands } from '../../../src/cli/program.ts'
import { VERDICTS } from '../../../src/cli/render/effect.ts'
import { ERROR_CODES, RecourseError } from '../../../src/client/errors.ts'
import { toMilliseconds } from '../../../src/config/durations.ts'
import { PermissionName } from '../../../src/config/routes.ts'
import { ConfigShape } from '../../../src/config/schema.ts'
import { ROLES } from '../../../src/model/config.ts'
import { SEARCH_ATTRIBUTES } from '../../../src/run/names.ts'
import { isRestored } from '../../../src/run/verdict.ts'
import type { Verdict } from '../../../src/run/effect.ts'
import { documentAt, firstColumn, tableOf, unquote } from '../../support/documents.ts'

/** The tables of the documents say what the code says: a row too many or too few, in either, is red. */

const readme = documentAt('README.md')

describe('README.md', () => {
  test('commands', () => {
    const rows = tableOf(readme, 'command').rows.map(([name = '', what = '']) => [
      unquote(name),
      what.replaceAll('`', ''),
    ])
    const commands = createCommands().map((each) => [each.name(), each.description().replaceAll('"', '')])
    expect(rows.toSorted()).toEqual(commands.toSorted())
  })

  test('exit codes', () => {
    expect(firstColumn(tableOf(readme, 'exit code')).map(Number)).toEqual(Object.values(EXIT))
  })

  test('permissions, from mild to strict', () => {
    expect(firstColumn(tableOf(readme, 'permission'))).toEqual(PermissionName.options)
  })

  test('verdicts, and which of them leave the world as it was', () => {
    const verdicts = firstColumn(tableOf(readme, 'verdict'))
    expect(verdicts).toEqual(Object.keys(VERDICTS))
    const last = verdicts.findLastIndex((each) => isRestored(each as Verdict))
    expect(verdicts.findIndex((each) => !isRestored(each as Verdict))).toBe(last + 1)
    expect(readme.text).toContain(
      `any of the last ${['no', 'one', 'two', 'three', 'four'][verdicts.length - last - 1]} `,
    )
  })

  test('search attributes', () => {
    expect(firstColumn(tableOf(readme, 'search attribute'))).toEqual(Object.keys(SEARCH_ATTRIBUTES))
  })
})

test('docs/ERRORS.md: codes, and the exit code that each gives', () => {
  const [ofClient, ofCommands] = documentAt('docs/ERRORS.md').tables
  const toPairs = (table = ofClient) => table?.rows.map(([code = '', , exit]) => [unquote(code), Number(exit)])
  expect(toPairs(ofClient)).toEqual(ERROR_CODES.map((code) => [code, showError(new RecourseError(code, '')).exit]))
  const other = showError(new Error('anything else'))
  const known = Object.values(KNOWN_ERRORS).map(({ code, exit }) => [code, exit])
  expect(toPairs(ofCommands)?.toSorted()).toEqual([...known, [other.code, other.exit]].toSorted())
})

interface Key {
  readonly path: string
  /** undefined: none. */
  readonly standard: unknown
}

/** Every key of a config that is not an object of others. */
function toKeys(schema: z.core.$ZodType, path: string): Key[] {
  let inner = schema
  let standard: unknown
  for (;;) {
    if (inner instanceof z.ZodDefault) standard ??= inner.def.defaultValue
    else if (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
      // Looked into below; a prefault has no default of its own.
    } else if (inner instanceof z.ZodPipe && inner.out instanceof z.ZodObject) {
      inner = inner.out
      continue
    } else break
    inner = inner.unwrap()
  }
  const below = (name: string) => (path === '' ? name : `${path}.${name}`)
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, z.core.$ZodType>).flatMap(([name, each]) => {
      // Roles take what `default` takes; `http` sets the kind.
      if ((path === 'models' && name !== 'default') || name === 'kind') return []
      return toKeys(each, below(name))
    })
  }
  if (!(inner instanceof z.ZodRecord)) return [{ path, standard }]
  const value = toKeys(inner.valueType, path === 'connectors.<name>.routes' ? 'routes.<route>' : `${path}.<name>`)
  const own = value.length > 1 ? value : []
  return [{ path, standard }, ...own]
}

describe('docs/CONFIG.md', () => {
  const document = documentAt('docs/CONFIG.md')
  const rows = document.tables.flatMap((table) => table.rows)
  const written = new Map(rows.map(([key = '', , standard = '']) => [unquote(key), unquote(standard)]))
  const keys = toKeys(ConfigShape, '').filter(({ path }) => path !== 'agents.<name>' && path !== 'connectors.<name>')

  test('has every key of the schema, and no other', () => {
    const known = [...keys.map(({ path }) => path), 'models']
    expect([...written.keys()].toSorted()).toEqual([...new Set(known)].toSorted())
  })

  test('has their defaults', () => {
    const differing = keys.filter(({ path, standard }) => !says(written.get(path) ?? '', standard))
    expect(differing.map(({ path, standard }) => ({ path, standard, written: written.get(path) }))).toEqual([])
  })

  test('names the roles of models', () => {
    for (const role of ROLES) expect(document.spans).toContain(role)
  })
})

function says(cell: string, standard: unknown): boolean {
  if (standard === undefined) return cell === ''
  if (typeof standard === 'number') return Number(cell) === standard || toMilliseconds(cell) === standard
  return cell === (typeof standard === 'string' ? standard : JSON.stringify(standard))
}
