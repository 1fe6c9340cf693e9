import { Command, Option } from 'commander'
import type { StartOptions } from '../../client/start-input.ts'
import { LANGUAGES } from '../../run/plan.ts'
import type { Language } from '../../run/plan.ts'
import { defaultActor } from '../actor.ts'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { withClient } from '../connect.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { readInput, readJsonFile, readJsonOption, toLanguage } from '../files.ts'
import { waitAndShow } from '../settle.ts'

interface Options extends ConnectionOptions {
  agent: string
  id?: string
  input?: string
  code?: string
  language?: Language
  plan?: string
  announce?: string
  confirm?: 'human' | 'judge' | 'auto'
  requester?: string
  wait: boolean
}

export function runCommand(): Command {
  return createClientCommand('run', 'start a run, and wait until it is settled or needs a decision')
    .argument('[request]', 'what is to be done, in plain language (may be left out with --code or --plan)')
    .option('--agent <name>', 'which agent of the config', 'assistant')
    .option('--id <id>', 'the id of the run; the same id twice is one run, for ever')
    .option('--input <json>', 'data for the run, as JSON or @file')
    .option('--code <file>', "run this code instead of a model's")
    .addOption(new Option('--language <name>', 'of the code (default: by its extension)').choices(LANGUAGES))
    .option('--plan <file>', "follow this plan, as JSON, instead of a model's")
    .option('--announce <json>', 'what the code will touch, as JSON or @file: [{"connector", "routes"}]')
    .addOption(
      new Option('--confirm <who>', 'who confirms; can only tighten the policy').choices(['human', 'judge', 'auto']),
    )
    .option('--requester <name>', 'on whose behalf (default: the user of this machine)')
    .option('--no-wait', 'start it, and do not wait')
    .action(
      action(async (io, options: Options, request: string | undefined) => {
        const start = await toStart(request, options)
        return withClient(options, async (client) => {
          const run = await client.start(start)
          if (run.existing) {
            io.note(
              `run ${run.id} exists already${run.differs ? ', and was started with something else' : ''}: nothing new was started`,
            )
          }
          const extra = { existing: run.existing, differs: run.differs }
          if (options.wait) return waitAndShow(io, run, ['decision', 'settled'], extra)
          io.result(run.id, { id: run.id, ...extra })
          return EXIT.well
        })
      }),
    )
}

async function toStart(request: string | undefined, options: Options): Promise<StartOptions> {
  const { agent, id, input, code, language, plan, announce, confirm, requester = defaultActor() } = options
  if (code === undefined && (language !== undefined || announce !== undefined)) {
    throw new UsageError(`--${language === undefined ? 'announce' : 'language'} only means something with --code`)
  }
  // Shape and limits are the client's to check: the same for every caller.
  return {
    agent,
    requester,
    ...(request !== undefined && { request }),
    ...(id !== undefined && { id }),
    ...(input !== undefined && { input: (await readJsonOption('--input', input)) as Record<string, unknown> }),
    ...(plan !== undefined && { plan: (await readJsonFile('--plan', plan)) as NonNullable<StartOptions['plan']> }),
    ...(code !== undefined && { code: await readInput('--code', code), language: language ?? toLanguage(code) }),
    ...(announce !== undefined && {
      announce: (await readJsonOption('--announce', announce)) as NonNullable<StartOptions['announce']>,
    }),
    ...(confirm && { confirm }),
  }
}
