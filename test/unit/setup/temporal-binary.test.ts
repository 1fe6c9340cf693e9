import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { silent } from '../../../src/setup/progress.ts'
import { cachedBinary, findTemporal, install, isRecent, readPins } from '../../../src/setup/temporal-binary.ts'
import { compareVersions } from '../../../src/setup/temporal-build.ts'
import { downloadTemporal } from '../../../src/setup/temporal-download.ts'

const folder = await mkdtemp(join(tmpdir(), 'recourse-temporal-'))
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
const archiveName = `temporal_cli_1.2.3_${process.platform}_${architecture}.tar.gz`
let releases = ''
let checksum = ''

const fake = async (file: string, version: string) => {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `#!/bin/sh\necho "${version}"\n`)
  await chmod(file, 0o755)
}

const server = createServer((request, response) => {
  if (request.url === '/v1.2.3/checksums.txt') response.end(`${checksum}  ${archiveName}\n`)
  else if (request.url === `/v1.2.3/${archiveName}`)
    void readFile(join(folder, archiveName)).then((bytes) => response.end(bytes))
  else response.writeHead(404).end()
})

beforeAll(async () => {
  await fake(join(folder, 'release', 'temporal'), 'temporal version 1.2.3 (Server 1.31.2, UI 2.50.1)')
  execFileSync('tar', ['-czf', join(folder, archiveName), '-C', join(folder, 'release'), 'temporal'])
  checksum = createHash('sha256')
    .update(await readFile(join(folder, archiveName)))
    .digest('hex')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  releases = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})
afterEach(() => vi.unstubAllEnvs())

test('temporal on PATH comes before the cache, unless its server is too old', async () => {
  const cache = join(folder, 'cache')
  const bin = join(folder, 'bin')
  vi.stubEnv('PATH', `${bin}${delimiter}/usr/bin${delimiter}/bin`)
  expect(await findTemporal(cache)).toBeNull()

  const cached = await cachedBinary(cache)
  await fake(cached, 'temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)')
  expect(await findTemporal(cache)).toMatchObject({ from: 'cache', command: cached })

  await fake(join(bin, 'temporal'), 'temporal version 1.0.0 (Server 1.24.0, UI 2.26.2)')
  expect(await findTemporal(cache)).toMatchObject({ from: 'cache' })

  await fake(join(bin, 'temporal'), 'temporal version 1.9.0 (Server 1.32.0, UI 2.51.0)')
  expect(await findTemporal(cache)).toMatchObject({ from: 'path', version: expect.stringContaining('1.32.0') })
})

test('the official release is put in place when its checksum fits', async () => {
  const target = join(folder, 'downloaded', 'temporal')
  expect(await downloadTemporal(target, '1.2.3', silent, releases)).toBeNull()
  expect(execFileSync(target, { encoding: 'utf8' })).toContain('temporal version 1.2.3')
  expect(await readdir(dirname(target))).toEqual(['temporal'])
})

test('a release that does not fit its checksum is refused, and nothing is left of it', async () => {
  const target = join(folder, 'tampered', 'temporal')
  const right = checksum
  checksum = right.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
  expect(await downloadTemporal(target, '1.2.3', silent, releases)).toBe(`${archiveName} does not match its checksum`)
  checksum = right
  expect(await readdir(dirname(target))).toEqual([])
})

test('says why a release cannot be had', async () => {
  const target = join(folder, 'none', 'temporal')
  const { host } = new URL(releases)
  expect(await downloadTemporal(target, '9.9.9', silent, releases)).toBe(`${host} answered 404`)
  expect(await downloadTemporal(target, '1.2.3', silent, 'http://127.0.0.1:1')).toBe(
    '127.0.0.1:1 cannot be reached from here',
  )
})

test('an installation that fails leaves what was there before', async () => {
  const target = join(folder, 'kept', 'temporal')
  await fake(target, 'old')
  await expect(install(target, () => Promise.reject(new Error('compiler says no')))).rejects.toThrow('compiler says no')
  expect(await readdir(dirname(target))).toEqual(['temporal'])
  expect(execFileSync(target, { encoding: 'utf8' })).toBe('old\n')
})

test.for([
  ['temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)', true],
  ['temporal version 0.0.0-DEV (Server 2.0.0, UI 3.0.0)', true],
  ['temporal version 1.1.2 (Server 1.28.0, UI 2.31.2)', true],
  ['temporal version 1.1.2 (Server 1.27.9, UI 2.31.2)', false],
  ['temporal is something else', false],
] as const)('%s is recent: %s', ([version, recent]) => expect(isRecent(version)).toBe(recent))

test.for([
  ['1.26.4', '1.26.4', 0],
  ['1.26', '1.26.4', -4],
  ['1.26.10', '1.26.9', 1],
  ['1.9', '1.21', -12],
  ['2.0', '1.99.99', 1],
  ['1.22~2ubuntu1', '1.22', 0],
] as const)('versions %s and %s differ by %s', ([a, b, difference]) => expect(compareVersions(a, b)).toBe(difference))

test('versions come from the Go module', async () => {
  expect(await readPins()).toMatchObject({
    cli: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    go: expect.stringMatching(/^\d+\.\d+/),
  })
})
