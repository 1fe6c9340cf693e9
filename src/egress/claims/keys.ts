/** Names of the marks a run leaves in the claim store. A slash in a run id is escaped: it must not name another run's. */
const toShelf = (run: string): string => run.replaceAll(/[%/]/g, encodeURIComponent)

/** The run id itself, used for ever. */
export const runKey = (run: string): string => `${toShelf(run)}/run`
/** Sending an effect. Effect ids hold dots and so are never the word `run`. */
export const effectKey = (run: string, effect: string): string => `${toShelf(run)}/${effect}`
/** What undoing an effect aims at. */
export const undoKey = (run: string, effect: string): string => `${toShelf(run)}/${effect}/undo`
/** The nth time that the inverse of an effect was sent, from 1. */
export const inverseKey = (run: string, effect: string, n: number): string => `${undoKey(run, effect)}/${n}`
