// @ts-check
/**
 * What this browser keeps from one visit to the next (IndexedDB). It may keep nothing: in a private
 * window, in a frame of another site, on a full disk. Then nothing is there, and nothing fails.
 */

const DATABASE = "carrousel";
const STORE = "kept";

/** @template T @param {IDBRequest<T>} asked @returns {Promise<T>} */
const answered = (asked) =>
  new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

/** @returns {Promise<IDBDatabase>} */
function opened() {
  const asked = indexedDB.open(DATABASE, 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
  return answered(asked);
}

/**
 * @template T @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T | null>} null where the browser refuses
 */
async function within(mode, act) {
  try {
    const database = await opened();
    try {
      const transaction = database.transaction(STORE, mode);
      const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error); // a full disk, say
      });
      const found = await Promise.all([answered(act(transaction.objectStore(STORE))), done]);
      return found[0];
    } finally {
      database.close();
    }
  } catch {
    return null;
  }
}

/** @param {string} key @param {any} value that can be cloned @returns {Promise<boolean>} whether it is kept */
export const keep = async (key, value) =>
  (await within("readwrite", (store) => store.put(value, key))) !== null;

/** What is kept under a key, null for nothing. @param {string} key @returns {Promise<any>} */
export const kept = async (key) => (await within("readonly", (store) => store.get(key))) ?? null;

/** Forgets everything. */
export const forgetAll = () => within("readwrite", (store) => store.clear());
