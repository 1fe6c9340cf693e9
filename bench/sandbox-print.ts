import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createDockerDriver } from '../src/sandbox/docker/driver.ts'
import { median } from './statistics.ts'

/** Medians, milliseconds, from asking to the first byte of output. */
export interface FirstOutput {
  /** A print in a warm container of the driver. */
  readonly warmMs: number
  /** The same print by `docker run --rm` on the same image. */
  readonly dockerRunMs: number
  /** How many times faster the first is. */
  readonly ratio: number
}

const CODE = 'print("hello")'

/** Measures both in turns, so that what else the machine does weighs on both. */
export async function measureFirstOutput(options: { image: string; rounds?: number }): Promise<FirstOutput> {
  const { image, rounds = 15 } = options
  const stateDir = await mkdtemp(path.join(tmpdir(), 'sbx-'))
  const driver = createDockerDriver({ image, stateDir, poolSize: 1 })
  const warm: number[] = []
  const cold: number[] = []
  try {
    for (let round = 0; round < rounds; round += 1) {
      await driver.warm([])
      warm.push(await timeDriver(driver))
      cold.push(await timeDockerRun(image))
    }
  } finally {
    await driver.close()
    await rm(stateDir, { recursive: true, force: true })
  }
  const warmMs = median(warm)
  const dockerRunMs = median(cold)
  return { warmMs, dockerRunMs, ratio: dockerRunMs / warmMs }
}

async function timeDriver(driver: ReturnType<typeof createDockerDriver>): Promise<number> {
  const from = performance.now()
  let first = 0
  await driver.run({
    language: 'python',
    code: CODE,
    hosts: [],
    socket: null,
    timeoutMs: 30_000,
    labels: {},
    signal: new AbortController().signal,
    onOutput: () => (first ||= performance.now()),
  })
  return first - from
}

async function timeDockerRun(image: string): Promise<number> {
  const from = performance.now()
  const child = spawn('docker', ['run', '--rm', '--network', 'none', image, 'python3', '-c', CODE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  const first = performance.now()
  await exited
  return first - from
}
