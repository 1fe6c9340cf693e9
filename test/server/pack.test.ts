import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const PackageJson = z.object({ name: z.string(), version: z.string() })

let folder: string
let recourse: string

// What a user gets: the tarball, installed where nothing else is.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recourse-pack-'))
  const packed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const [{ filename }] = z.tuple([z.object({ filename: z.string() })]).parse(JSON.parse(packed.stdout))
  await run('npm', ['init', '--yes'], { cwd: folder })
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['install', ...flags, join(folder, filename)], { cwd: folder })
  recourse = join(folder, 'node_modules/.bin/recourse')
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

test('prints the version of the package', async () => {
  const { version } = PackageJson.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const { stdout } = await run(recourse, ['--version'], { cwd: folder })
  expect(stdout.trim()).toBe(version)
})

test('prints its commands', async () => {
  const { stdout } = await run(recourse, ['--help'], { cwd: folder })
  for (const command of ['up', 'down', 'run', 'undo', 'confirm', 'doctor']) expect(stdout).toContain(command)
})

test('has what a reader and a worker need, and nothing of the tests', async () => {
  const { name } = PackageJson.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const files = await readdir(join(folder, 'node_modules', name), { recursive: true })
  const needed = [
    'README.md',
    'LICENSE',
    'docs/CONFIG.md',
    'BENCHMARKS.md',
    'prompts/planner.md',
    'tools/temporal/go.mod',
  ]
  expect(files).toEqual(expect.arrayContaining([...needed, 'dist/index.d.ts', 'dist/sandbox/image/Dockerfile']))
  const top = new Set(files.filter((file) => !file.includes('/')))
  expect([...top].filter((file) => !file.endsWith('.md')).toSorted()).toEqual([
    ...['LICENSE', 'dist', 'docs', 'package.json', 'prompts', 'tools'],
  ])
  expect(files.filter((file) => /\.test\.|\.db$|(^|\/)\./.test(file))).toEqual([])
})

test('has all that setup is made of: the image, the Go module, the workflow bundle, the prompts', async () => {
  const { name } = PackageJson.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const installed = join(folder, 'node_modules', name)
  const source = await import('../../src/setup/image.ts')
  const image = await source.digestOf(join(root, 'src/sandbox/image'))
  expect(await source.digestOf(join(installed, 'dist/sandbox/image'))).toBe(image)
  for (const file of ['tools/temporal/go.sum', 'dist/workflows/bundle.js', 'LICENSE']) {
    expect((await readFile(join(installed, file))).length).toBeGreaterThan(0)
  }
})

test('doctor answers JSON and nothing else', async () => {
  const { address, namespace } = inject('temporal')
  const env = { ...process.env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace }
  const { stdout } = await run(recourse, ['doctor', '--json'], { cwd: folder, env }).catch(
    // Exit 1 where there is no Docker; the answer is the same.
    (error: { stdout: string }) => error,
  )
  const Checks = z.array(z.object({ name: z.string(), status: z.enum(['ok', 'warn', 'fail']), detail: z.string() }))
  const checks = Checks.parse(JSON.parse(stdout))
  expect(checks.find(({ name }) => name === 'Temporal')).toMatchObject({
    status: 'ok',
    detail: expect.stringContaining(address),
  })
})

test('the client library starts without anything native', async () => {
  const { name } = PackageJson.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const script = `
    const { createClient } = await import('${name}/client')
    const native = process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'))
    process.stdout.write(JSON.stringify([typeof createClient, native]))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder })
  expect(JSON.parse(stdout)).toEqual(['function', []])
})
