import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Each line is a file of one statement, and whether the linter lets it pass.
const cases: [file: string, statement: string, verdict: 'passes' | 'fails'][] = [
  ['src/workflows/a.ts', "export { x } from '../run/names.ts'", 'passes'],
  ['src/workflows/b.ts', "export type { X } from '../activities/model.ts'", 'passes'],
  ['src/workflows/c.ts', "export { x } from '../activities/model.ts'", 'fails'],
  ['src/workflows/d.ts', "export { readFile } from 'node:fs/promises'", 'fails'],
  ['src/workflows/e.ts', "export { sleep } from '@temporalio/workflow'", 'passes'],
  ['src/run/a.ts', "export { x } from '../blobs/blobs.ts'", 'fails'],
  ['src/run/b.ts', "export { createHash } from 'node:crypto'", 'fails'],
  ['src/run/c.ts', "export { sleep } from '@temporalio/workflow'", 'fails'],
  ['src/client/a.ts', "export { x } from '@temporalio/worker'", 'fails'],
  ['src/client/b.ts', "export { x } from '../setup/temporal.ts'", 'fails'],
  ['src/client/c.ts', "export { Connection } from '@temporalio/client'", 'passes'],
  ['src/egress/gateway/a.ts', "export { x } from '../../sandbox/driver.ts'", 'fails'],
  ['src/egress/gateway/b.ts', "export { x } from '../claims/claims.ts'", 'passes'],
  ['src/egress/gateway/c.ts', "export { x } from '../../blobs/blobs.ts'", 'passes'],
  ['src/sandbox/docker/a.ts', "export { x } from '../../egress/perform.ts'", 'fails'],
  ['src/sandbox/docker/b.ts', "export { x } from 'dockerode'", 'passes'],
  ['src/setup/a.ts', "export { x } from 'dockerode'", 'fails'],
  ['src/setup/b.ts', "export { x } from '../worker/main.ts'", 'fails'],
  ['src/planning/a.ts', "export { x } from 'openai'", 'fails'],
  ['src/planning/b.ts', "export { x } from '../egress/perform.ts'", 'fails'],
  ['src/model/a.ts', "export { x } from 'openai/error'", 'passes'],
  ['src/cli/a.ts', "export { x } from '../sandbox/driver.ts'", 'fails'],
  ['src/activities/model.ts', "export { x } from '../planning/plan.ts'", 'passes'],
  ['src/activities/sandbox.ts', "export { x } from '../planning/plan.ts'", 'fails'],
  ['src/activities/egress.ts', "export { x } from '../sandbox/driver.ts'", 'fails'],
  ['src/activities/run.ts', "export { x } from '../model/client.ts'", 'fails'],
  ['src/worker/a.ts', "export { x } from '../egress/perform.ts'", 'passes'],
  ['src/config/a.ts', 'export const home = process.env.HOME', 'passes'],
  ['src/setup/c.ts', 'export const home = process.env.HOME', 'fails'],
  ['src/cli/b.ts', "console.log('x')", 'passes'],
  ['src/setup/d.ts', "console.log('x')", 'fails'],
  ['src/setup/e.ts', 'export default 1', 'fails'],
  ['src/setup/f.ts', 'export const f = (x: any): unknown => x', 'fails'],
  ['src/setup/g.ts', 'export function g(): void { Promise.resolve(1) }', 'fails'],
]

const root = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'recourse-boundaries-'))
const failing = new Set<string>()

beforeAll(() => {
  for (const file of ['oxlint.config.ts', 'tsconfig.json', 'package.json']) cpSync(join(root, file), join(folder, file))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [file, statement] of cases) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), `${statement}\n`)
  }
  const oxlint = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--type-aware', '--format', 'json', 'src'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const { diagnostics } = JSON.parse(oxlint.stdout) as { diagnostics: { filename: string; severity: string }[] }
  for (const { filename, severity } of diagnostics) if (severity === 'error') failing.add(filename)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.for(cases)('%s: %s %s', ([file, , verdict]) => {
  expect(failing.has(file) ? 'fails' : 'passes').toBe(verdict)
})
