/** How a component lets a state follow what happens, for as long as it shows that state. */
import { untrack } from 'svelte';

/**
 * To be called while a component is made. What `follow` itself reads is not watched: otherwise a list that arrives would
 * end the following and begin it anew, and with it whatever its end closes.
 */
export function following(subject: () => { follow(): () => void }): void {
  $effect(() => {
    const shown = subject();
    return untrack(() => shown.follow());
  });
}
