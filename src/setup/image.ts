import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanups } from './cleanups.ts'
import { mustRun, runCommand } from './command.ts'
import { canInstallPackages, installPackages } from './debian.ts'
import { SetupProblem } from './problem.ts'
import type { Progress } from './progress.ts'

/** What the image is made of; at the same place beside this folder in `src/` and in `dist/`. */
const imageFolder = fileURLToPath(new URL('../sandbox/image', import.meta.url))

const SUITE = 'bookworm'
const PROBE_MS = 3000
const REGISTRY = 'https://registry-1.docker.io/v2/'
const WHY = 'code that a model wrote runs in containers of this image'

/** Name of the image that fits this version's files; another content is another name. */
export async function sandboxImage(): Promise<string> {
  return `recourse-sandbox:${await digestOf(imageFolder)}`
}

export async function imageExists(image: string): Promise<boolean> {
  return (await runCommand('docker', ['image', 'inspect', '--format', '{{.Id}}', image]))?.exitCode === 0
}

/**
 * The sandbox image, built where it is not there yet: from a registry's Debian where one answers, from packages with
 * `mmdebstrap` otherwise. Needs a Docker engine that answers.
 * @returns The image's name.
 * @throws SetupProblem when it cannot be had.
 */
export async function ensureSandboxImage(progress: Progress): Promise<string> {
  const image = await sandboxImage()
  if (await imageExists(image)) return image
  try {
    const failure = await buildFromRegistry(image, progress)
    if (failure !== null) await buildFromPackages(image, failure, progress)
  } catch (cause) {
    if (cause instanceof SetupProblem) throw cause
    throw new SetupProblem({
      missing: `The sandbox image could not be built: ${cause instanceof Error ? cause.message : String(cause)}`,
      why: WHY,
      fix: 'give this machine access to an image registry or to a Debian mirror, then run this again',
      cause,
    })
  }
  return image
}

/** @returns null when it is built, else why not. */
async function buildFromRegistry(image: string, progress: Progress): Promise<string | null> {
  if (!(await registryAnswers())) return 'no image registry answers'
  try {
    await progress.stage('Building the sandbox image', { estimateSeconds: 60 }, (report) =>
      mustRun('docker', ['build', '--tag', image, imageFolder], { onLine: report }),
    )
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function buildFromPackages(image: string, failure: string, progress: Progress): Promise<void> {
  const packages = await readPackages()
  const recipe = createHash('sha256')
    .update(`${SUITE} ${packages.join(' ')}`)
    .digest('hex')
    .slice(0, 12)
  const base = `recourse-sandbox-base:${recipe}`
  const folder = await mkdtemp(join(tmpdir(), 'recourse-image-'))
  const cleanup = cleanups.add(() => rm(folder, { recursive: true, force: true }))
  try {
    if (!(await imageExists(base))) await importBase(base, packages, folder, failure, progress)
    const own = join(folder, 'Dockerfile')
    await writeFile(own, await ownPart(base))
    await progress.stage('Building the sandbox image', { estimateSeconds: 3 }, (report) =>
      mustRun('docker', ['build', '--tag', image, '--file', own, imageFolder], { onLine: report }),
    )
  } finally {
    await cleanup.run()
  }
}

async function importBase(
  base: string,
  packages: readonly string[],
  folder: string,
  failure: string,
  progress: Progress,
): Promise<void> {
  if ((await runCommand('mmdebstrap', ['--version'])) === null) {
    if (!(await canInstallPackages())) {
      throw new SetupProblem({
        missing: `The sandbox image cannot be built: ${failure}, and mmdebstrap is not installed`,
        why: WHY,
        fix: 'sudo apt-get install -y mmdebstrap debian-archive-keyring    # or give Docker access to an image registry',
      })
    }
    await installPackages(
      ['mmdebstrap', 'debian-archive-keyring'],
      `${failure}; it builds images from packages`,
      progress,
    )
  }
  // By way of a file: an import from a pipe would take what a failed bootstrap wrote for a whole image.
  const archive = join(folder, 'base.tar')
  await progress.stage('Building the base of the sandbox image', { estimateSeconds: 40 }, (report) =>
    mustRun(
      'mmdebstrap',
      [
        '--variant=minbase',
        `--include=${packages.join(',')}`,
        ...['doc', 'man', 'locale', 'info'].map((kind) => `--dpkgopt=path-exclude=/usr/share/${kind}/*`),
        SUITE,
        archive,
      ],
      { onLine: report },
    ),
  )
  await progress.stage('Importing the base of the sandbox image', { estimateSeconds: 6 }, () =>
    mustRun('docker', ['import', archive, base]),
  )
}

/** The last stage of the Dockerfile, on another base. */
async function ownPart(base: string): Promise<string> {
  const text = await readFile(join(imageFolder, 'Dockerfile'), 'utf8')
  const start = text.lastIndexOf('\nFROM base\n')
  if (start < 0) throw new Error(`${imageFolder}/Dockerfile has no stage that begins with "FROM base"`)
  return text.slice(start).replace('FROM base', `FROM ${base}`)
}

/** The one list of packages, for both ways of building. */
async function readPackages(): Promise<string[]> {
  const text = await readFile(join(imageFolder, 'packages.txt'), 'utf8')
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

async function registryAnswers(): Promise<boolean> {
  try {
    // 401 is an answer: it asks for the token that Docker fetches by itself.
    await fetch(REGISTRY, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_MS) })
    return true
  } catch {
    return false
  }
}

/** First 12 hex digits of a digest over names, executable bits and contents; the rest of a mode depends on the checkout. */
export async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  for (const file of files.toSorted()) {
    const bytes = await readFile(join(folder, file))
    const executable = ((await stat(join(folder, file))).mode & 0o100) !== 0
    hash.update(`${file}\0${executable ? 'x' : '-'}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex').slice(0, 12)
}
