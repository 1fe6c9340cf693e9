import { join } from 'node:path'
import { mustRun, runCommand } from './command.ts'
import { candidateVersion, canInstallPackages, installPackages, updatePackageLists } from './debian.ts'
import type { Progress } from './progress.ts'
import { install, readPins } from './temporal-binary.ts'

/** From this version on, Go fetches the newer toolchain that a module asks for by itself. */
const GO_WITH_TOOLCHAINS = '1.21'

/** Whether this machine can build the server, and how. */
export type GoStatus =
  | { readonly kind: 'ready'; readonly version: string; readonly toolchain: 'local' | 'auto' }
  | { readonly kind: 'missing'; readonly reason: string }

/** Looks for Go. Fetches nothing. */
export async function findGo(): Promise<GoStatus> {
  const { go: wanted } = await readPins()
  const result = await runCommand('env', ['GOTOOLCHAIN=local', 'go', 'version'])
  const version = result?.stdout.match(/go version go(\d+(?:\.\d+)*)/)?.[1]
  if (result?.exitCode !== 0 || version === undefined) return { kind: 'missing', reason: 'Go is not installed' }
  if (compareVersions(version, wanted) >= 0) return { kind: 'ready', version, toolchain: 'local' }
  if (compareVersions(version, GO_WITH_TOOLCHAINS) >= 0) return { kind: 'ready', version, toolchain: 'auto' }
  return { kind: 'missing', reason: `Go ${version} is too old; ${wanted} is needed` }
}

/**
 * Builds the server from its Go module into `target`; module versions and contents are fixed by `tools/temporal/go.sum`.
 * @returns null when it is in place, else why it cannot be built here.
 */
export async function buildTemporal(target: string, progress: Progress): Promise<string | null> {
  const pins = await readPins()
  let go = await findGo()
  if (go.kind === 'missing' && (await canInstallPackages())) {
    await updatePackageLists(progress)
    const candidate = await candidateVersion('golang-go')
    if (candidate === null || compareVersions(candidate, GO_WITH_TOOLCHAINS) < 0) {
      return `${go.reason}, and this distribution has ${candidate === null ? 'none' : `only ${candidate}`}`
    }
    await installPackages(['golang-go', 'ca-certificates'], 'the Temporal server is built from source', progress)
    go = await findGo()
  }
  if (go.kind === 'missing') return go.reason
  const { toolchain } = go
  await progress.stage(`Building Temporal ${pins.cli} with Go`, { estimateSeconds: 180 }, (report) =>
    install(target, async (folder) => {
      const binary = join(folder, 'temporal')
      let packages = 0
      await mustRun(
        'env',
        [
          'CGO_ENABLED=0',
          `GOTOOLCHAIN=${toolchain}`,
          ...['go', 'build', '-v', '-mod=readonly', '-trimpath'],
          ...['-ldflags', `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${pins.cli}`],
          ...['-o', binary, 'github.com/temporalio/cli/cmd/temporal'],
        ],
        { directory: pins.folder, onLine: () => report(`${++packages} packages`) },
      )
      return binary
    }),
  )
  return null
}

/** Below, at or above zero as `a` is older than, the same as or newer than `b`; compares the numbers they start with. */
export function compareVersions(a: string, b: string): number {
  const parts = (version: string) => (version.match(/^\d+(\.\d+)*/)?.[0] ?? '0').split('.').map(Number)
  const [left, right] = [parts(a), parts(b)]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
