import { readFile } from 'node:fs/promises'
import { mustRun, runCommand } from './command.ts'
import type { Progress } from './progress.ts'

/** True where packages can be installed without asking: this is root, on Debian, Ubuntu or a derivative with apt. */
export async function canInstallPackages(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  if (!/^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release)) return false
  return (await runCommand('apt-get', ['--version'])) !== null
}

/** Says what is installed and why, then installs it. @throws Error with apt's last output. */
export async function installPackages(packages: readonly string[], why: string, progress: Progress): Promise<void> {
  progress.note(`Installing ${packages.join(' ')} from this machine's distribution: ${why}`)
  await updatePackageLists(progress)
  await progress.stage(`Installing ${packages.join(' ')}`, { estimateSeconds: 30 }, async (report) => {
    const args = ['DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '--no-install-recommends', '-q']
    // Downloading can be interrupted at any time; unpacking and configuring cannot, and takes seconds.
    await mustRun('env', [...args, '--download-only', ...packages], { onLine: report })
    await mustRun('env', [...args, ...packages], { onLine: report, interruptible: false })
  })
}

/** The version that would be installed, or null. */
export async function candidateVersion(name: string): Promise<string | null> {
  const policy = await runCommand('env', ['LC_ALL=C', 'apt-cache', 'policy', name])
  const version = policy?.stdout.match(/Candidate: (?:\d+:)?(\S+)/)?.[1]
  return version === undefined || version === '(none)' ? null : version
}

let updated: Promise<unknown> | null = null

/** Once in the life of this process. A mirror that cannot be reached is found out by the installation itself. */
export function updatePackageLists(progress: Progress): Promise<unknown> {
  updated ??= progress.stage('Updating the package lists', { estimateSeconds: 10 }, (report) =>
    runCommand('apt-get', ['update', '-q'], { onLine: report }),
  )
  return updated
}
