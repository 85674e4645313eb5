/* Nodes differ in nothing but their contents, so of six arrangements one is enough. */
#define SWAP(field, x, y) spare = node[x].field; node[x].field = node[y].field; node[y].field = spare
#define CONTENTS(n) \
  (node[n].lock + (node[n].until << 4) + (node[n].ballot << 8) + (node[n].barred << 13) + (node[n].accepted << 17))
#if ROUNDS > 0
#define ANSWERS(n) (node[n].extended + (node[n].missing << 2))
#else
#define ANSWERS(n) 0
#endif

/* In words a node keeps its first name. In the search it has none, or it would be unlike the others after all. */
#ifdef WORDS
#define RENAME(n, called) name[n] = called
#else
#define RENAME(n, called) spare = called
#endif

inline arrange(x, y) {
  if
  :: CONTENTS(x) > CONTENTS(y) || (CONTENTS(x) == CONTENTS(y) && ANSWERS(x) > ANSWERS(y)) ->
    SWAP(lock, x, y);
    SWAP(until, x, y);
    SWAP(ballot, x, y);
    SWAP(barred, x, y);
    SWAP(accepted, x, y);
#if ROUNDS > 0
    SWAP(extended, x, y);
    SWAP(missing, x, y);
#endif
    spare = name[x];
    RENAME(x, name[y]);
    RENAME(y, spare)
  :: else
  fi
}

inline settle() {
  arrange(0, 1);
  arrange(1, 2);
  arrange(0, 1);
  spare = 0
}
