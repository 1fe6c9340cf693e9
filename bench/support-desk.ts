import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, Connection } from '@temporalio/client'
import { z } from 'zod'
import { http } from '../src/config/connectors.ts'
import { defineTool } from '../src/config/define-tool.ts'
import { createInstallation } from '../test/support/installation.ts'
import { startBareWorker, toBareQueues } from './bare/worker.ts'
import { median, type Result, timed } from './statistics.ts'

const lookUpOrder = defineTool({
  name: 'look_up_order',
  description: 'Looks up an order',
  input: z.object({ orderId: z.string() }),
  output: z.object({ item: z.string() }),
  effects: 'reads',
  run: async ({ orderId }, context) => {
    const answer = await context.http('orders').get(`/orders/${orderId}`)
    return z.object({ item: z.string() }).parse(answer.json())
  },
})

/** Runs per second of concurrent support-desk runs, against as many bare workflows with as many activities that do nothing, on the same task queues. */
export async function supportDesk(options: {
  temporal: { address: string; namespace: string }
  concurrency: number
  samples: number
}): Promise<Result> {
  await using cleanup = new AsyncDisposableStack()
  const orders = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"item":"Herbal Handsoap"}')
  })
  await new Promise<void>((resolve) => orders.listen(0, '127.0.0.1', resolve))
  cleanup.defer(() => new Promise((resolve) => orders.close(() => resolve())))
  cleanup.defer(() => orders.closeAllConnections())
  const many = 1_000_000
  const installation = cleanup.use(
    await createInstallation({
      temporal: options.temporal,
      config: {
        connectors: {
          orders: http({
            url: 'http://orders.example.com',
            upstream: `http://127.0.0.1:${(orders.address() as AddressInfo).port}`,
            routes: { 'GET /orders/{id}': {} },
          }),
        },
        tools: [lookUpOrder],
        agents: { desk: { mode: 'route', connectors: ['orders'], tools: ['look_up_order'] } },
      },
      script: [
        {
          role: 'router',
          times: many,
          reply: { kind: 'call', tool: 'look_up_order', arguments: { orderId: '123456' } },
        },
        { role: 'interpreter', times: many, reply: { kind: 'answer', answer: 'Herbal Handsoap' } },
      ],
    }),
  )
  const { client } = installation
  const connection = cleanup.adopt(await Connection.connect({ address: options.temporal.address }), (each) =>
    each.close(),
  )
  const temporal = new Client({ connection, namespace: options.temporal.namespace })
  const taskQueue = `bare-desk-${process.pid}`
  cleanup.use(await startBareWorker({ ...options.temporal, taskQueue, print: async () => {} }))

  const ask = async (): Promise<string> => {
    const run = await client.start({ agent: 'desk', request: 'Which item was ordered for 123456?' })
    const state = await run.wait({ until: ['settled'], timeoutMs: 120_000 })
    if (state.answer !== 'Herbal Handsoap')
      throw new Error(`the run ended as ${state.phase}: ${state.answer} ${state.reason}`)
    return run.id
  }
  const queues = await toBareQueues(temporal, await ask(), installation.taskQueue, taskQueue)
  const bareRun = (id: string) =>
    temporal.workflow.execute('bare', { workflowId: id, taskQueue, args: [{ queues, print: null }] })
  await bareRun(`bare-desk-${process.pid}`)

  const all = Array.from({ length: options.concurrency }, (_, index) => index)
  const ours: number[] = []
  const bare: number[] = []
  for (let n = 0; n < options.samples; n++) {
    ours.push(options.concurrency / ((await timed(() => Promise.all(all.map(ask)))) / 1000))
    const started = () => Promise.all(all.map((index) => bareRun(`bare-desk-${process.pid}-${n}-${index}`)))
    bare.push(options.concurrency / ((await timed(started)) / 1000))
  }
  const ratio = median(ours) / median(bare)
  return {
    name: `${options.concurrency} concurrent support-desk runs (${queues.length} activities each)`,
    ours: median(ours),
    baseline: median(bare),
    unit: 'runs/s',
    ratio,
    target: 'at least 0.6',
    met: ratio >= 0.6,
    samples: options.samples,
  }
}
