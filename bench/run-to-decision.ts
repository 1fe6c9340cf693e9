import { Client, Connection } from '@temporalio/client'
import { createInstallation } from '../test/support/installation.ts'
import { startCalendar } from '../test/support/calendar.ts'
import { createDockerDriver } from '../src/sandbox/docker/driver.ts'
import { http } from '../src/config/connectors.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toTaskQueues } from '../src/run/names.ts'
import { startBareWorker, toBareQueues } from './bare/worker.ts'
import { median, type Result, timed } from './statistics.ts'

const CODE = `import requests
answer = requests.patch('http://calendar.example.com/events/1', json={'start': '11:00'})
answer.raise_for_status()
print('moved')
`

const rest = () => delay(1500)

/**
 * From start to the decision, for a one-step code run with one effect and a scripted model without delay, against a bare
 * workflow with as many activities that do nothing, on the same task queues, plus one print in a warm container.
 */
export async function runToDecision(options: {
  temporal: { address: string; namespace: string }
  image: string
  samples: number
}): Promise<Result> {
  await using calendar = await startCalendar()
  const many = 1_000_000
  await using installation = await createInstallation({
    temporal: options.temporal,
    image: options.image,
    config: {
      connectors: {
        calendar: http({
          url: 'http://calendar.example.com',
          upstream: calendar.url,
          routes: { 'GET /events/{id}': {}, 'PATCH /events/{id}': {} },
        }),
      },
      agents: { assistant: { connectors: ['calendar'] } },
    },
    script: [
      {
        role: 'planner',
        times: many,
        reply: {
          steps: [
            {
              id: 's1',
              kind: 'code',
              purpose: 'Move the event',
              language: 'python',
              announce: [{ connector: 'calendar', routes: ['PATCH /events/{id}'] }],
            },
          ],
        },
      },
      { role: 'coder', times: many, reply: { code: CODE } },
      { role: 'vetter', times: many, reply: { permission: 'allow', findings: [] } },
      { role: 'solver', times: many, reply: { answer: 'Moved.' } },
    ],
  })
  const { client } = installation

  const toDecision = async (): Promise<string> => {
    const run = await client.start({ agent: 'assistant', request: 'Move the event' })
    const state = await run.wait({ until: ['decision', 'settled'], timeoutMs: 60_000 })
    if (!state.decision) throw new Error(`the run ended as ${state.phase}: ${state.reason}`)
    return run.id
  }
  await using cleanup = new AsyncDisposableStack()
  const stateDir = cleanup.adopt(await mkdtemp(join(tmpdir(), 'rcb-')), (dir) => rm(dir, { recursive: true }))
  const driver = cleanup.adopt(createDockerDriver({ image: options.image, stateDir }), (each) => each.close())
  await driver.warm([])
  const connection = cleanup.adopt(await Connection.connect({ address: options.temporal.address }), (each) =>
    each.close(),
  )
  const temporal = new Client({ connection, namespace: options.temporal.namespace })
  const taskQueue = `bare-${process.pid}`
  cleanup.use(
    await startBareWorker({
      ...options.temporal,
      taskQueue,
      print: async () => {
        await driver.run({
          language: 'python',
          code: 'print(1)',
          hosts: [],
          socket: null,
          timeoutMs: 10_000,
          labels: {},
          signal: new AbortController().signal,
        })
      },
    }),
  )
  const first = await toDecision()
  const queues = await toBareQueues(temporal, first, installation.taskQueue, taskQueue)
  const bareRun = async (n: number) => {
    await temporal.workflow.execute('bare', {
      workflowId: `bare-${process.pid}-${n}`,
      taskQueue,
      // The execution is the print.
      args: [{ queues, print: toTaskQueues(taskQueue).sandbox }],
    })
  }
  await bareRun(-1)

  const ours: number[] = []
  const bare: number[] = []
  for (let n = 0; n < options.samples; n++) {
    // Both start from a full pool: refilling it takes the processor from whatever is measured meanwhile.
    await rest()
    ours.push(await timed(toDecision))
    await rest()
    bare.push(await timed(() => bareRun(n)))
  }
  const ratio = median(ours) / median(bare)
  return {
    name: `start to decision, one code step with one effect (${queues.length + 1} activities)`,
    ours: median(ours),
    baseline: median(bare),
    unit: 'ms',
    ratio,
    target: 'at most 1.5',
    met: ratio <= 1.5,
    samples: options.samples,
  }
}
