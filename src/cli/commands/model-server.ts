import type { Command } from 'commander'
import { action, createCommand, wholeNumber } from '../command.ts'
import type { CommonOptions } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { untilSignal } from '../signals.ts'

interface Options extends CommonOptions {
  script: string
  port: number
  host: string
}

export function modelServerCommand(): Command {
  return createCommand('model-server', 'serve a scripted model as an OpenAI-compatible API')
    .requiredOption('--script <file>', 'what it answers, as JSON')
    .option('--port <number>', '0: any free one', wholeNumber(0, 65_535), 4020)
    .option('--host <address>', 'to listen on', '127.0.0.1')
    .action(
      action(async (io, { script, port, host }: Options) => {
        const { startModelServer } = await import('../../model/server/start.ts')
        const server = await startModelServer({ script, port, host, ...(io.interactive && { log: io.note }) })
        io.result(`scripted model: OPENAI_BASE_URL=${server.baseURL}`, { baseURL: server.baseURL, port: server.port })
        await untilSignal()
        await server.close()
        return EXIT.well
      }),
    )
}
