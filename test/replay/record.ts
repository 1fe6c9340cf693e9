import { writeFile } from 'node:fs/promises'
import { Client as TemporalClient, Connection } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { Client, StartOptions } from '../../src/client/index.ts'
import { http } from '../../src/config/connectors.ts'
import { readEnvironment } from '../../src/config/environment.ts'
import { ensureDocker } from '../../src/setup/docker.ts'
import { ensureSandboxImage } from '../../src/setup/image.ts'
import { createProgress } from '../../src/setup/progress.ts'
import { ensureTemporal } from '../../src/setup/temporal.ts'
import { startCalendar } from '../support/calendar.ts'
import { createInstallation } from '../support/installation.ts'

/**
 * Records the histories that `replay.test.ts` replays: `node test/replay/record.ts`. To be run when a run's life changes
 * on purpose; until then every recorded history must replay.
 */
const environment = readEnvironment()
const progress = createProgress()
await ensureDocker({ stateDirectory: environment.stateDirectory, progress })
const image = await ensureSandboxImage(progress)

await using cleanup = new AsyncDisposableStack()
const temporal = cleanup.adopt(
  await ensureTemporal({
    address: environment.temporalAddress,
    namespace: environment.temporalNamespace,
    cacheDirectory: environment.cacheDirectory,
    progress,
  }),
  (each) => each.stop(),
)
const calendar = cleanup.use(await startCalendar())
const installation = cleanup.use(
  await createInstallation({
    temporal,
    image,
    config: {
      connectors: {
        calendar: http({
          url: 'http://calendar.example.com',
          upstream: calendar.url,
          routes: {
            'GET /events/{id}': {},
            'PATCH /events/{id}': { volatile: ['version'] },
            'POST /messages': { permission: 'hold' },
          },
        }),
      },
      agents: { assistant: { connectors: ['calendar'] } },
    },
    script: [
      {
        role: 'planner',
        reply: {
          steps: [
            {
              id: 's1',
              kind: 'code',
              purpose: 'Tell the team',
              announce: [{ connector: 'calendar', routes: ['POST /messages'] }],
            },
          ],
        },
      },
      { role: 'coder', reply: { code: "import subprocess\nsubprocess.run(['id'])" } },
      {
        role: 'coder',
        reply: { code: "import requests\nrequests.post('http://calendar.example.com/messages', json={})" },
      },
      { role: 'vetter', times: 9, reply: { permission: 'allow', findings: [] } },
      { role: 'solver', times: 9, reply: { answer: 'Done.' } },
    ],
  }),
)
const connection = cleanup.adopt(await Connection.connect({ address: temporal.address }), (each) => each.close())
const workflows = new TemporalClient({ connection, namespace: temporal.namespace }).workflow

const call = (body: string): Pick<StartOptions, 'code' | 'language'> => ({
  language: 'python',
  code: `import requests\nbase = 'http://calendar.example.com'\n${body}`,
})
const move = "requests.patch(base + '/events/1', json={'start': '11:00'})"
const mail = "requests.post(base + '/messages', json={'text': 'late'})"
const ask = "requests.post(base + '/undeclared', json={})"

async function record(
  name: string,
  start: Omit<StartOptions, 'agent'>,
  act: (run: ReturnType<Client['run']>) => Promise<void>,
) {
  const run = await installation.client.start({ agent: 'assistant', ...start })
  await run.wait({ timeoutMs: 60_000 })
  const first = (await workflows.getHandle(run.id).describe()).runId
  await act(run)
  await run.wait({ until: (state) => state.settled !== null, timeoutMs: 60_000 })
  const runs = new Set([first, (await workflows.getHandle(run.id).describe()).runId])
  let part = 0
  for (const runId of runs) {
    const history = await workflows.getHandle(run.id, runId).fetchHistory()
    const file = new URL(`histories/${name}${part++ ? '-window' : ''}.json`, import.meta.url)
    await writeFile(file, `${JSON.stringify(JSON.parse(historyToJSON(history)), null, 1)}\n`)
  }
}

await record('undone', { request: 'move', ...call(move) }, (run) => run.undo())
await record('confirmed', { request: 'both', ...call(`${move}\n${mail}`) }, async (run) => {
  await run.confirm()
  await run.wait({ until: ['settled'], timeoutMs: 60_000 })
  await run.undo()
  await run.wait({ until: (state) => state.undo?.verdict != null, timeoutMs: 60_000 })
})
await record('asked', { request: 'ask', ...call(`${move}\n${ask}`) }, async (run) => {
  await run.approve()
  await run.wait({ until: (state) => state.phase === 'waiting', timeoutMs: 60_000 })
  await run.undo()
})
await record('failed', { request: 'fail', ...call(`${move}\nraise SystemExit(3)`) }, async () => {})
await record('planned', { request: 'tell the team' }, async (run) => void (await run.confirm()))
