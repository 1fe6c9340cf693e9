import type { Command } from 'commander'
import { defaultActor } from '../actor.ts'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { withClient } from '../connect.ts'
import { EXIT } from '../exit-codes.ts'
import { waitAndShow } from '../settle.ts'

interface Options extends ConnectionOptions {
  decision?: string
  digest?: string
  note?: string
  actor?: string
  wait: boolean
}

const ANSWERS = {
  confirm: 'keep what a run did',
  approve: 'let a step go on that asked first',
  reject: 'stop a step that asked first, and undo what the run did',
} as const

/** `confirm`, `approve` and `reject`: one shape, three answers. */
export function decisionCommands(): Command[] {
  return Object.entries(ANSWERS).map(([answer, description]) =>
    createClientCommand(answer, description)
      .argument('<id>', 'id of the run')
      .option('--decision <id>', 'the decision that is answered (default: the open one)')
      .option('--digest <digest>', 'of what was shown: refused when anything changed since')
      .option('--note <text>', 'why; kept with the answer')
      .option('--actor <name>', 'who decides (default: the user of this machine)')
      .option('--no-wait', 'answer, and do not wait for what follows')
      .action(
        action(async (io, options: Options, id: string) => {
          const { decision, digest, note, actor = defaultActor() } = options
          return withClient(options, async (client) => {
            const run = client.run(id)
            const record = await run[answer as keyof typeof ANSWERS]({
              ...(decision !== undefined && { decision }),
              ...(digest !== undefined && { digest }),
              ...(note !== undefined && { note }),
              actor,
            })
            if (options.wait) return waitAndShow(io, run, ['decision', 'settled'])
            io.result(`${id}: ${record.answer}`, record)
            return EXIT.well
          })
        }),
      ),
  )
}
