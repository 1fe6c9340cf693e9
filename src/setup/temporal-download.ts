import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { mustRun } from './command.ts'
import type { Progress } from './progress.ts'
import { install } from './temporal-binary.ts'

const RELEASES = 'https://github.com/temporalio/cli/releases/download'
const PROBE_MS = 4000

/**
 * Fetches the official release into `target` and checks it against the release's own list of checksums.
 * @returns null when it is in place, else why it cannot be had from there.
 */
export async function downloadTemporal(
  target: string,
  version: string,
  progress: Progress,
  releases = RELEASES,
): Promise<string | null> {
  const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string]
  if (architecture === undefined || !['linux', 'darwin'].includes(process.platform)) {
    return `there is no release for ${process.platform} on ${process.arch}`
  }
  const archive = `temporal_cli_${version}_${process.platform}_${architecture}.tar.gz`
  const host = new URL(releases).host
  try {
    // Small and needed anyway: it also tells quickly whether that host can be reached at all.
    const list = await fetch(`${releases}/v${version}/checksums.txt`, { signal: AbortSignal.timeout(PROBE_MS) })
    if (!list.ok) return `${host} answered ${list.status}`
    const expected = (await list.text()).split('\n').find((line) => line.endsWith(`  ${archive}`))
    if (expected === undefined) return `${host} lists no ${archive}`

    await progress.stage(`Downloading Temporal ${version} from ${host}`, { estimateSeconds: 20 }, (report) =>
      install(target, async (folder) => {
        const response = await fetch(`${releases}/v${version}/${archive}`)
        if (!response.ok || response.body === null) throw new Error(`${host} answered ${response.status}`)
        const file = join(folder, archive)
        const hash = createHash('sha256')
        let bytes = 0
        await pipeline(
          Readable.fromWeb(response.body as ReadableStream<Uint8Array>),
          async function* (chunks: AsyncIterable<Uint8Array>) {
            for await (const chunk of chunks) {
              hash.update(chunk)
              report(`${Math.round((bytes += chunk.length) / 1e6)} MB`)
              yield chunk
            }
          },
          createWriteStream(file),
        )
        if (!expected.startsWith(`${hash.digest('hex')} `)) throw new Error(`${archive} does not match its checksum`)
        await mustRun('tar', ['-xzf', file, '-C', folder, 'temporal'])
        const binary = join(folder, 'temporal')
        await chmod(binary, 0o755)
        return binary
      }),
    )
    return null
  } catch (error) {
    return error instanceof Error && error.name !== 'TimeoutError' && !(error instanceof TypeError)
      ? error.message
      : `${host} cannot be reached from here`
  }
}
