import { join } from 'node:path'
import type { Command } from 'commander'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { openProject } from '../project.ts'
import type { Project, ProjectOptions } from '../project.ts'
import { untilSignal } from '../signals.ts'
import { startWorkerProcess } from '../worker-process.ts'

interface Options extends ConnectionOptions, ProjectOptions {
  foreground?: true
}

export function upCommand(): Command {
  return createClientCommand('up', 'start what is missing: Temporal, Docker, the sandbox image, a worker')
    .option('--config <file>', 'the config (default: the one in this folder)')
    .option('--trust', 'the config may be run: remember that')
    .option('--foreground', 'keep the worker in the foreground; end everything with Ctrl-C')
    .action(
      action(async (io, options: Options) => {
        const project = await openProject(io, options, 'up')
        await checkConfig(project)
        const [{ createProgress }, docker, image, state, processes] = await Promise.all([
          import('../../setup/progress.ts'),
          import('../../setup/docker.ts'),
          import('../../setup/image.ts'),
          import('../../setup/state.ts'),
          import('../../setup/processes.ts'),
        ])
        const { folder, config, configPath, environment, stateDir } = project
        const progress = createProgress()
        const before = await state.readProjectState(folder)
        const temporal = await findTemporal(project, options, progress)
        const taskQueue = options.taskQueue ?? config.taskQueue ?? environment.taskQueue
        const { address, namespace, uiUrl, server } = temporal
        const started = {
          temporal: { address, namespace, uiUrl, server },
          modelServer: before?.modelServer ?? null,
          taskQueue,
        }
        // Written down before anything else can fail, so that `down` finds it.
        await state.writeProjectState(folder, { ...started, worker: before?.worker ?? null })

        await docker.ensureDocker({ stateDirectory: stateDir, progress })
        const tag = await image.ensureSandboxImage(progress)
        // A worker that runs already has the config of its own start.
        if (before?.worker) await processes.stopProcess(before.worker)
        if (options.foreground) {
          await state.writeProjectState(folder, { ...started, worker: await processes.markProcess(process.pid) })
          io.note(`worker: in the foreground, task queue ${taskQueue}; Temporal: ${uiUrl ?? address}; end with Ctrl-C`)
          const { runWorker } = await import('../../worker/main.ts')
          const stop = new AbortController()
          void untilSignal().then(() => stop.abort())
          await runWorker({
            configPath,
            temporal: { address, namespace },
            stateDir,
            image: tag,
            taskQueue,
            signal: stop.signal,
          })
          if (server) await processes.stopProcess(server)
          await state.removeProjectState(folder)
          return EXIT.well
        }
        const log = join(stateDir, 'worker.log')
        const worker = await progress.stage('Starting the worker', { estimateSeconds: 5 }, () =>
          startWorkerProcess(
            [
              ...['--config', configPath, '--address', address, '--namespace', namespace],
              ...['--state-dir', stateDir, '--image', tag, '--task-queue', taskQueue],
            ],
            log,
          ),
        )
        await state.writeProjectState(folder, { ...started, worker })
        const agents = Object.keys(config.agents)
        io.result(
          [
            `Temporal   ${address}${uiUrl === null ? '' : `, Web UI ${uiUrl}`}`,
            `worker     process ${worker.pid}, task queue ${taskQueue}, log ${log}`,
            `agents     ${agents.join(', ')}`,
            '',
            `start a run: recourse run --agent ${agents[0] ?? 'assistant'} "<request>"`,
          ].join('\n'),
          { temporal: { address, namespace, uiUrl }, worker: { pid: worker.pid, log }, taskQueue, agents, stateDir },
        )
        return EXIT.well
      }),
    )
}

/** Everything about the config that can be wrong is said before anything is started. */
async function checkConfig({ config, environment }: Project): Promise<void> {
  const { toAgentSnapshot, toModels, toUpstreams } = await import('../../config/resolve.ts')
  for (const name of Object.keys(config.agents)) toAgentSnapshot(config, name)
  toModels(config, environment.lookup)
  toUpstreams(config, environment.lookup)
}

async function findTemporal(project: Project, options: Options, progress: import('../../setup/progress.ts').Progress) {
  const [{ ensureTemporal }, { isRunning }, { readProjectState }] = await Promise.all([
    import('../../setup/temporal.ts'),
    import('../../setup/processes.ts'),
    import('../../setup/state.ts'),
  ])
  const { folder, environment, stateDir } = project
  const namespace = options.namespace ?? environment.temporalNamespace
  const wanted = options.address ?? environment.temporalAddress
  const before = (await readProjectState(folder))?.temporal ?? null
  // Ours, from an earlier `up`: a second one would not get at its database.
  const ours = before?.server && (await isRunning(before.server)) ? before : null
  if (wanted === null && ours && ours.namespace === namespace) return ours
  return ensureTemporal({
    address: wanted,
    uiUrl: environment.temporalUiUrl,
    namespace,
    cacheDirectory: environment.cacheDirectory,
    progress,
    ports: { frontend: 7233, ui: 8233 },
    database: join(stateDir, 'temporal.db'),
    detached: { log: join(stateDir, 'temporal.log') },
  })
}
