import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type Client, createClient } from '../../src/client/index.ts'
import { cleanups } from '../../src/setup/cleanups.ts'
import { choosePort } from '../../src/setup/ports.ts'
import { type Child, startChild } from './processes.ts'

/** Everything one example needs: its services, its model, a worker, and a client as a backend would have it. */
export interface Stage {
  readonly client: Client
  /** SQLite file of the services: what is really true. */
  readonly store: string
  readonly example: string
  /** Milliseconds a write takes to be answered from now on; the services are restarted and keep their state. */
  restartServices(answerAfterMs: number): Promise<void>
  /** SIGKILL to the worker. */
  killWorker(): Promise<void>
  startWorker(): Promise<void>
  /** Process ids, for whoever keeps it up. */
  pids(): number[]
}

export interface StageOptions {
  /** Folder under examples/. */
  readonly example: string
  readonly temporal: { readonly address: string; readonly namespace: string }
  readonly image: string
  /** Folder for state and logs. */
  readonly folder: string
  /** A real model's endpoint; null: the example's script. */
  readonly model: { readonly baseURL: string; readonly apiKey: string; readonly model: string } | null
}

const Ready = z.object({ services: z.record(z.string(), z.string()) })

const Model = z.object({ baseURL: z.string() })
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export async function setStage(options: StageOptions): Promise<Stage> {
  const { example, temporal, image } = options
  const source = (file: string) => fileURLToPath(new URL(`../${example}/${file}`, import.meta.url))
  const folder = join(options.folder, example)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const store = join(folder, 'services.db')
  const taskQueue = `demo-${example}`

  const startServices = (port: number, answerAfterMs: number) =>
    startChild({
      args: [source('services.ts'), '--db', store, '--port', String(port), '--answer-after', String(answerAfterMs)],
      env: {},
      log: join(folder, 'services.log'),
      readyBy: 'output',
    })
  const port = await chooseTwoPorts()
  let services = await startServices(port, 0)
  cleanups.add(() => services.stop())
  const { services: urls } = Ready.parse(services.ready)
  const addresses = Object.fromEntries(Object.entries(urls).map(([name, url]) => [`${name.toUpperCase()}_URL`, url]))

  const scripted = options.model
    ? null
    : await startChild({
        args: [cli, 'model-server', '--script', source('model-script.json'), '--port', '0', '--json'],
        env: {},
        log: join(folder, 'model-server.log'),
        readyBy: 'output',
      })
  if (scripted) cleanups.add(() => scripted.stop())
  const model = options.model ?? { ...Model.parse(scripted?.ready), apiKey: 'scripted', model: 'scripted/{role}' }

  const startWorker = () =>
    startChild({
      args: [
        cli,
        ...['worker', '--trust', '--config', source('recourse.config.ts')],
        ...['--address', temporal.address, '--namespace', temporal.namespace, '--task-queue', taskQueue],
        ...['--state-dir', join(folder, 'state'), '--image', image],
      ],
      env: {
        ...addresses,
        OPENAI_BASE_URL: model.baseURL,
        OPENAI_API_KEY: model.apiKey,
        OPENAI_MODEL: model.model,
        // What the demo trusts is the demo's, not the user's.
        RECOURSE_HOME: join(folder, 'home'),
      },
      log: join(folder, 'worker.log'),
      readyBy: 'message',
    })
  let worker: Child = await startWorker()
  cleanups.add(() => worker.stop())
  const client = createClient({ ...temporal, taskQueue })
  return {
    client,
    store,
    example,
    async restartServices(answerAfterMs) {
      await services.stop()
      services = await startServices(port, answerAfterMs)
    },
    killWorker: () => worker.kill(),
    async startWorker() {
      worker = await startWorker()
    },
    pids: () => [worker.pid, services.pid, ...(scripted ? [scripted.pid] : [])],
  }
}

/** The services of an example listen on a port and the next one; a restart takes the same. */
async function chooseTwoPorts(): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const port = await choosePort()
    if (port < 65_535 && (await choosePort(port + 1)) === port + 1) return port
  }
  throw new Error('no two neighbouring TCP ports are free')
}
