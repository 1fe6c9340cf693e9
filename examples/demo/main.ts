import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readEnvironment } from '../../src/config/environment.ts'
import { cleanups } from '../../src/setup/cleanups.ts'
import { ensureDocker } from '../../src/setup/docker.ts'
import { ensureSandboxImage } from '../../src/setup/image.ts'
import { SetupProblem } from '../../src/setup/problem.ts'
import { createProgress } from '../../src/setup/progress.ts'
import { findTemporal } from '../../src/setup/temporal-binary.ts'
import { ensureTemporal } from '../../src/setup/temporal.ts'
import { leaveWaiting, lateForMeeting } from './late-for-meeting.ts'
import { listDeviations, tabulate, tellStory } from './print.ts'
import { setStage } from './stage.ts'
import { supportDesk } from './support-desk.ts'

/** `npm run demo [-- --json] [-- --keep]`: both examples from start to end, with two killed workers. Exit 1: a deviation. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
  })
  const say = (text: string) => void (values.json || process.stdout.write(`${text}\n`))
  const environment = readEnvironment()
  const { openaiApiKey: apiKey, openaiBaseUrl, openaiModel } = environment
  // A scripted one belongs to what somebody tried by hand: its script has been used up by then.
  const isReal = apiKey !== null && !openaiModel?.startsWith('scripted/')
  const model = isReal
    ? { apiKey, baseURL: openaiBaseUrl ?? 'https://api.openai.com/v1', model: openaiModel ?? 'gpt-5' }
    : null
  const first = model
    ? `Model: ${model.model} at ${model.baseURL}; clumsy and failing code is handed in.`
    : 'No model is asked: a script answers in its place (set OPENAI_API_KEY to ask a real one). All else is real.'
  say(first)

  const progress = createProgress()
  // Short: the path of a unix socket has room for 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'rc-demo-'))
  if (!values.keep) cleanups.add(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await ensureDocker({ stateDirectory: environment.stateDirectory, progress })
  const image = await ensureSandboxImage(progress)
  const temporal = await ensureTemporal({
    address: environment.temporalAddress,
    uiUrl: environment.temporalUiUrl,
    namespace: environment.temporalNamespace,
    cacheDirectory: environment.cacheDirectory,
    progress,
    // For whoever looks afterwards: where Temporal's own tools expect a server.
    ...(values.keep && { ports: { frontend: 7233, ui: 8233 } }),
    detached: { log: join(folder, 'temporal.log') },
  })
  if (temporal.owned) cleanups.add(() => temporal.stop())
  const stage = (example: string) =>
    progress.stage(`Starting the services and a worker of ${example}`, { estimateSeconds: 5 }, () =>
      setStage({ example, temporal, image, folder, model }),
    )
  const meeting = await stage('late-for-meeting')
  const meetingOutcomes = await progress.stage(
    'Running late-for-meeting, killing its worker twice',
    { estimateSeconds: 30 },
    () => lateForMeeting(meeting, model === null),
  )
  const desk = await stage('support-desk')
  const deskOutcomes = await progress.stage('Running support-desk', { estimateSeconds: 2 }, () => supportDesk(desk))
  const outcomes = [...meetingOutcomes, ...deskOutcomes]
  const clumsy = meetingOutcomes.find(({ killed }) => killed === 'in the middle of the undo')
  const addressOf = (id: string) =>
    temporal.uiUrl === null
      ? id
      : `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows/${encodeURIComponent(id)}`
  const deviations = outcomes.flatMap(({ deviations: each }) => each)

  if (clumsy) say(`\n${tellStory(clumsy)}`)
  say(`\n${tabulate(outcomes)}`)
  say(`\n${outcomes.map(({ run }) => addressOf(run.id)).join('\n')}`)
  const kept = values.keep
    ? {
        folder,
        pids: [...meeting.pids(), ...desk.pids(), ...(temporal.server ? [temporal.server.pid] : [])],
        waiting: (await leaveWaiting(meeting, model === null)).id,
      }
    : null
  if (kept) {
    const undo = await toSignal(kept.waiting, temporal, environment.cacheDirectory)
    say(
      `\nOne more run of the clumsy code waits for you. Read it, in the tab User Metadata:\n  ${addressOf(kept.waiting)}`,
    )
    say(`then undo it:\n  ${undo}`)
    say(`Everything is left up, state in ${folder}. End it with:\n  kill ${kept.pids.join(' ')}`)
  } else {
    say('\nEverything is ended again; to look at the runs in the Temporal Web UI: npm run demo -- --keep')
  }
  if (deviations.length > 0) process.stderr.write(`\n${listDeviations(outcomes)}\n`)
  if (values.json) {
    const runs = outcomes.map(({ run, ...rest }) => ({ ...rest, url: addressOf(run.id), run }))
    process.stdout.write(
      `${JSON.stringify({ model: first, asExpected: deviations.length === 0, runs, kept }, null, 2)}\n`,
    )
  }
  return deviations.length === 0 ? 0 : 1
}

/** The signal `undo` as any client of Temporal sends it; the defaults of the command are left out. */
async function toSignal(
  id: string,
  { address, namespace }: { address: string; namespace: string },
  cacheDirectory: string,
): Promise<string> {
  const { command } = (await findTemporal(cacheDirectory)) ?? { command: 'temporal' }
  const where = address === '127.0.0.1:7233' ? '' : ` --address ${address}`
  const space = namespace === 'default' ? '' : ` --namespace ${namespace}`
  return `${command} workflow signal${where}${space} --workflow-id ${id} --name undo`
}

async function run(): Promise<void> {
  const keep = process.argv.includes('--keep')
  let failed = false
  try {
    process.exitCode = await main()
  } catch (error) {
    failed = true
    process.exitCode = 1
    const text = error instanceof SetupProblem ? error.message : error instanceof Error ? error.stack : String(error)
    process.stderr.write(`${text}\n`)
  }
  // What is kept is only kept when there is something to look at.
  if (!keep || failed) await cleanups.run()
  process.exit()
}

await run()
