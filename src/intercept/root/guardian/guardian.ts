/**
 * The process that undoes what a helper leaves when it is killed, where the kernel does not do it. It is root's, and idle until
 * then; started only for rules without the owner flag, before the first of them.
 *
 *     stdin    the helper's end: a byte says that it has undone its rules itself; its end without one, that it is dead
 *     3        the helper's and its tools' end: a tool of a dead helper may still be about to set rules
 *     stdout   a line when it watches
 *     argv     the helper, as in the comment of its rules (instance.ts)
 *
 * Whoever started the helper can have its whole control group killed, frozen or starved. So this process leaves that, and is the
 * last to go when memory runs out. Limits and the like the helper has taken off before (inheritance.ts).
 */
import { watchHelper } from './watch-helper.ts';

watchHelper();
