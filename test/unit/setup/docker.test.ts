import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { dockerProblem, dockerStatus } from '../../../src/setup/docker.ts'
import { digestOf } from '../../../src/setup/image.ts'

const folder = await mkdtemp(join(tmpdir(), 'recourse-docker-'))
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

test('a machine without Docker is told what to install', async () => {
  vi.stubEnv('PATH', folder)
  const status = await dockerStatus()
  expect(status).toEqual({ kind: 'missing' })
  expect(dockerProblem({ kind: 'missing' }).message).toBe(
    [
      'Docker is not installed',
      '  needed: code that a model wrote runs in containers, apart from this machine',
      '  fix:    sudo apt-get install -y docker.io    # or see https://docs.docker.com/engine/install',
    ].join('\n'),
  )
})

test('an engine elsewhere that does not answer is named, and is not ours to start', async () => {
  vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1')
  const status = await dockerStatus()
  if (status.kind === 'missing') return // Without the command there is nothing to ask.
  expect(status).toMatchObject({ kind: 'down', host: 'tcp://127.0.0.1:1' })
  if (status.kind !== 'down') throw new Error('unreachable')
  expect(dockerProblem(status).fix).toContain('unset DOCKER_HOST')
})

test('the name of the image follows its files: content, name and executable bit, and not the rest of the mode', async () => {
  const image = join(folder, 'image')
  await mkdir(join(image, 'rootfs/opt'), { recursive: true })
  await writeFile(join(image, 'Dockerfile'), 'FROM base')
  await writeFile(join(image, 'rootfs/opt/run'), 'one')
  const digests = [await digestOf(image)]
  await chmod(join(image, 'rootfs/opt/run'), 0o600)
  expect(await digestOf(image)).toBe(digests[0])
  await chmod(join(image, 'rootfs/opt/run'), 0o755)
  digests.push(await digestOf(image))
  await writeFile(join(image, 'rootfs/opt/run'), 'two')
  digests.push(await digestOf(image))
  await rm(join(image, 'rootfs/opt/run'))
  await writeFile(join(image, 'rootfs/opt/ran'), 'two')
  digests.push(await digestOf(image))
  expect(new Set(digests).size).toBe(4)
  for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{12}$/)
})
