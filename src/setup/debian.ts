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
  await progress.stage(`Installing ${packages.join(' ')}`, { estimateSeconds: 30 }, async (report) => {
    await updatePackageLists()
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

export async function updatePackageLists(): Promise<void> {
  await mustRun('apt-get', ['update', '-q'])
}
