import type { Command } from 'commander'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { openProject } from '../project.ts'
import type { ProjectOptions } from '../project.ts'
import { untilSignal } from '../signals.ts'

interface Options extends ConnectionOptions, ProjectOptions {
  stateDir?: string
  image?: string
  roles?: string
}

export function workerCommand(): Command {
  return createClientCommand('worker', 'run a worker in the foreground, as "up" does in the background')
    .option('--config <file>', 'the config (default: the one in this folder)')
    .option('--trust', 'the config may be run: remember that')
    .option('--state-dir <folder>', 'blobs and claims; all roles of an installation share it')
    .option('--image <tag>', 'the sandbox image')
    .option('--roles <list>', 'only these, with commas between (default: all)')
    .action(
      action(async (io, options: Options) => {
        const project = await openProject(io, options, 'worker')
        const { environment } = project
        const [{ runWorker }, { ROLES }, { sandboxImage }] = await Promise.all([
          import('../../worker/main.ts'),
          import('../../worker/roles.ts'),
          import('../../setup/image.ts'),
        ])
        const wanted = options.roles?.split(',').map((role) => role.trim())
        const unknown = wanted?.find((role) => !ROLES.some((known) => known === role))
        if (unknown !== undefined) throw new UsageError(`--roles: "${unknown}" is none; roles are ${ROLES.join(', ')}`)
        const stop = new AbortController()
        void untilSignal().then(() => stop.abort())
        await runWorker({
          configPath: project.configPath,
          temporal: {
            address: options.address ?? environment.temporalAddress ?? '127.0.0.1:7233',
            namespace: options.namespace ?? environment.temporalNamespace,
          },
          stateDir: options.stateDir ?? project.stateDir,
          image: options.image ?? (await sandboxImage()),
          taskQueue: options.taskQueue ?? project.config.taskQueue ?? environment.taskQueue,
          ...(wanted && { roles: ROLES.filter((role) => wanted.includes(role)) }),
          signal: stop.signal,
          // To `recourse up`, which waits for it.
          onReady: () => process.send?.({ ready: true }),
        })
        return EXIT.well
      }),
    )
}
