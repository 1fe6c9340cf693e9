import { posix } from 'node:path'
import type { Constant } from '../fact.ts'

/** Folders that code may use; everything else in the sandbox belongs to the system or to the runner. */
const WORK_AREA = ['/work', '/tmp']
const HARMLESS = new Set(['/dev/null', '/dev/urandom', '/dev/stdout', '/dev/stderr'])

/** True where a path, or how it starts, leads out of the work area. Relative paths are below it until they climb. */
export function isOutside(path: Constant): boolean {
  const text = path.text.replace(/^file:\/\//, '')
  if (text.startsWith('~')) return true
  if (HARMLESS.has(text)) return false
  const normal = posix.normalize(text)
  if (normal === '..' || normal.startsWith('../')) return true
  if (!normal.startsWith('/')) return false
  return !WORK_AREA.some((folder) => normal === folder || normal.startsWith(`${folder}/`))
}

/** Texts that are no address of any API: whoever writes them is after the system or the runner. */
export const SYSTEM_PATH =
  /^\/proc\/(self|\d+|sys|net)\b|^\/run\/recourse|^\/var\/run\/|^\/etc\/(passwd|shadow|hosts|ssh|ssl)|^\/dev\/(mem|kmem|shm|fd)\b|^file:(?!\/\/\/(work|tmp)\/)/
