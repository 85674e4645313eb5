/*
 * Two designs that were not chosen: nodes count grants by themselves, and a token is the greatest number of a quorum. Three
 * nodes, three bids, no faults at all; the network as in ballot.pml. Time does not matter here: a lease ends by its release.
 */
#define BIDS 3

#define OPEN 0
#define WRITING 1
#define GRANTED 2
#define RELEASED 3

typedef Node {
  unsigned lock : 2; /* a bid, counted from 1; 0: free */
  unsigned count : 3;
  byte given[BIDS]; /* the number that went with an accept; 0: none */
  byte written; /* bits of the bids whose number was written */
};

typedef Bid {
  bit begun;
  unsigned state : 2;
  unsigned token : 3;
};

Node node[3];
Bid bid[BIDS];
byte highest = 0;

#define GIVEN(n, b) (node[n].given[b] > 0)
#define WRITTEN(n, b) ((node[n].written >> (b)) & 1)
#define QUORUM(has, b) (has(0, b) + has(1, b) + has(2, b) >= 2)
#define MAX(x, y) ((x) > (y) -> (x) : (y))

inline begin(b) {
  d_step {
    !bid[b].begun && bid[(b) - ((b) > 0)].begun + ((b) == 0) > 0 ->
    bid[b].begun = 1;
    printf("@ a server makes bid %d, and asks all nodes\n", (b) + 1)
  }
}

inline acquire(b, n) {
  d_step {
    bid[b].begun && node[n].lock == 0 && node[n].given[b] == 0 ->
    node[n].lock = (b) + 1;
    node[n].count++;
    node[n].given[b] = node[n].count;
    printf("@ node %d accepts bid %d with the number %d\n", (n) + 1, (b) + 1, node[n].count)
  }
}

inline granted(b) {
  printf("@ the client of bid %d hears that it has the lease, with token %d\n", (b) + 1, bid[b].token);
  bid[b].state = GRANTED;
  if
  :: bid[b].token <= highest ->
    printf("@ VIOLATED: token %d is granted after token %d was\n", bid[b].token, highest);
    assert(false)
  :: else -> highest = bid[b].token
  fi
}

inline decide(b) {
  d_step {
    bid[b].state == OPEN && QUORUM(GIVEN, b) ->
    bid[b].token = MAX(node[0].given[b], MAX(node[1].given[b], node[2].given[b]));
#ifdef WRITE_BACK
    bid[b].state = WRITING;
    printf("@ its server has two accepts of bid %d: its token is to be %d, which all nodes are told\n", (b) + 1, bid[b].token)
#else
    granted(b)
#endif
  }
}

inline write(b, n) {
  d_step {
    bid[b].token > 0 ->
    node[n].count = bid[b].token;
    node[n].written = node[n].written | (1 << (b));
    printf("@ node %d is told the number %d of bid %d, and takes it\n", (n) + 1, bid[b].token, (b) + 1)
  }
}

inline finish(b) {
  d_step { bid[b].state == WRITING && QUORUM(WRITTEN, b) -> granted(b) }
}

inline end(b) {
  d_step {
    bid[b].begun && (bid[b].state == GRANTED || bid[b].state == OPEN || bid[b].state == WRITING) ->
    if
    :: bid[b].state == GRANTED -> printf("@ the client of bid %d releases it, and its server tells all nodes\n", (b) + 1)
    :: else -> printf("@ its server gives up bid %d, and tells all nodes to abort it\n", (b) + 1)
    fi;
    bid[b].state = RELEASED
  }
}

inline release(b, n) {
  d_step {
    bid[b].state == RELEASED && node[n].lock == (b) + 1 ->
    node[n].lock = 0;
    printf("@ node %d is told that bid %d is over, and deletes it\n", (n) + 1, (b) + 1)
  }
}

#ifdef WRITE_BACK
#define WRITING_BACK(b) :: write(b, 0) :: write(b, 1) :: write(b, 2) :: finish(b)
#else
#define WRITING_BACK(b)
#endif
#define STEPS(b) \
  :: begin(b) :: decide(b) :: end(b) WRITING_BACK(b) \
  :: acquire(b, 0) :: acquire(b, 1) :: acquire(b, 2) :: release(b, 0) :: release(b, 1) :: release(b, 2)

init {
  do
  STEPS(0)
  STEPS(1)
  STEPS(2)
  od
}
