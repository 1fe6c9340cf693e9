import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Connection } from '@temporalio/client'
import proto from '@temporalio/proto'
import { expect, inject, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { readEnvironment } from '../../src/config/environment.ts'
import { isRunning, ProcessMark, stopProcess } from '../../src/setup/processes.ts'
import { silent } from '../../src/setup/progress.ts'
import { ensureSearchAttributes, searchAttributes } from '../../src/setup/search-attributes.ts'
import { ensureTemporal } from '../../src/setup/temporal.ts'

const { cacheDirectory } = readEnvironment()
const provided = inject('temporal')
const options = { address: provided.address, namespace: provided.namespace, cacheDirectory, progress: silent }

async function connect(address: string): Promise<Connection> {
  const connection = await Connection.connect({ address })
  onTestFinished(() => connection.close())
  return connection
}

test('uses a server that is named, and never ends it', async () => {
  const temporal = await ensureTemporal({ ...options, uiUrl: 'http://ui.example.com' })
  expect(temporal).toMatchObject({ ...provided, owned: false, server: null, uiUrl: 'http://ui.example.com' })
  await temporal.stop()
  const connection = await connect(provided.address)
  await connection.workflowService.describeNamespace({ namespace: provided.namespace })
})

test('says what to do about a namespace or a server that is not there', async () => {
  await expect(ensureTemporal({ ...options, namespace: 'nowhere' })).rejects.toMatchObject({
    name: 'SetupProblem',
    missing: `The Temporal server at ${provided.address} has no namespace nowhere, or does not show it to us`,
    fix: `temporal operator namespace create --address ${provided.address} --namespace nowhere`,
  })
  await expect(ensureTemporal({ ...options, address: '127.0.0.1:1' })).rejects.toMatchObject({
    name: 'SetupProblem',
    fix: expect.stringContaining('unset TEMPORAL_ADDRESS'),
  })
})

test('search attributes are registered once, whoever comes first', async () => {
  const connection = await connect(provided.address)
  const namespace = `attributes-${randomUUID()}`
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: proto.google.protobuf.Duration.fromObject({ seconds: 86_400 }),
  })
  // A new namespace is not seen by every part of the server at once.
  const list = () => connection.operatorService.listSearchAttributes({ namespace })
  await expect.poll(list, { timeout: 60_000, interval: 200 }).toBeDefined()
  await Promise.all([1, 2, 3].map(() => ensureSearchAttributes(connection, namespace)))
  expect(Object.keys((await list()).customAttributes ?? {})).toEqual(
    expect.arrayContaining(searchAttributes.map(([name]) => name)),
  )
})

// Started by a process of its own, which is then killed outright.
const starter = (settings: object) => `
  import { ensureTemporal } from ${JSON.stringify(join(import.meta.dirname, '../../src/setup/temporal.ts'))}
  import { silent } from ${JSON.stringify(join(import.meta.dirname, '../../src/setup/progress.ts'))}
  const temporal = await ensureTemporal({ ...${JSON.stringify(settings)}, progress: silent })
  process.stdout.write(JSON.stringify(temporal) + '\\n')
  setInterval(() => {}, 1000)
`
async function startAndKill(settings: object) {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', starter(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const started = z
    .object({ address: z.string(), uiUrl: z.string(), server: ProcessMark })
    .parse(JSON.parse(String(line)))
  expect(await isRunning(started.server)).toBe(true)
  expect((await fetch(started.uiUrl)).status).toBe(200)
  child.kill('SIGKILL')
  await once(child, 'exit')
  return started
}

test.skipIf(process.platform !== 'linux')('a server of our own ends with the process that started it', async () => {
  const { server } = await startAndKill({ ...options, address: null })
  await expect.poll(() => isRunning(server), { timeout: 10_000 }).toBe(false)
})

test('a detached server outlives it, and finds its runs again in its database', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recourse-server-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const settings = {
    ...options,
    address: null,
    namespace: 'kept',
    database: join(folder, 'temporal.db'),
    detached: { log: join(folder, 'temporal.log') },
  }
  const first = await startAndKill(settings)
  const connection = await connect(first.address)
  await connection.workflowService.describeNamespace({ namespace: 'kept' })
  await stopProcess(first.server)
  expect(await isRunning(first.server)).toBe(false)

  const second = await ensureTemporal({ ...settings, progress: silent })
  expect(second).toMatchObject({ owned: true, namespace: 'kept' })
  await second.stop()
})
