/*
 * The ballot protocol of the Redlock store: three nodes, one resource, a few bids.
 *
 * One process takes one step after the other, any step whose guard holds; each step is one script at one node, one decision of
 * a server, or one client hearing of it. The network is a set: what was sent may be delivered at any later moment, in any
 * order, again and again, or never. An answer is counted when its server decides, which may be late or never.
 *
 * Sizes are given on the command line (-DBIDS=3 …), and so is the rule that is left out (-DBREAK_…).
 */
#ifndef BIDS
#define BIDS 2 /* at most 4 */
#endif
#ifndef HORIZON
#define HORIZON 5 /* the clock stops here */
#endif
#ifndef WINDOW
#define WINDOW 1 /* w */
#endif
#ifndef SKEW
#define SKEW 1 /* tokens differ from the time by so much, at most 1 */
#endif
#ifndef TTL
#define TTL 2
#endif
#ifndef QUARANTINE
#define QUARANTINE 3 /* more than 2w, and no less than TTL */
#endif
#ifndef WIPES
#define WIPES 1
#endif
#ifndef MOVES
#define MOVES 0 /* 1: the client of the first bid may go on at another server */
#endif
#ifndef UNHEARD
#define UNHEARD 1 /* it may do so before it has heard of a grant */
#endif
#ifndef ROUNDS
#define ROUNDS 0 /* extensions by each server of the first bid */
#endif
#ifndef STALE
#define STALE 1 /* an extension may arrive when its round is long over */
#endif
#ifndef HANDOFFS
#define HANDOFFS 0
#endif
#ifndef REPAIR
#define REPAIR 1 /* does nothing without rounds */
#endif

/* Values at a node. Only the first bid may be adopted, by the second server of its client. */
#define FREE 0
#define VALUE(b) ((b) + 2)
#ifdef BREAK_RESUME_KEEPS_VALUE
#define ADOPTED VALUE(0)
#else
#define ADOPTED 1
#endif
#define BID_OF(value) ((value) == ADOPTED -> 1 : (value) - 1)
#define CAPPED(time) ((time) > HORIZON -> HORIZON + 1 : (time))

/* What a node keeps, and which of its answers are on their way; bits by bid, or by server of the kept lease. */
typedef Node {
  unsigned lock : 4; /* a value, or FREE */
  unsigned until : 4;
  unsigned ballot : 5;
  unsigned barred : 4; /* in quarantine until then; 0: admitted */
  unsigned accepted : 4;
#if ROUNDS > 0
  unsigned extended : 2;
  unsigned missing : 2;
#endif
};

#define OPEN 0
#define FAILED 1
#define GRANTED 2

/* One try of a server, and the client for which it is made. */
typedef Bid {
  unsigned token : 5; /* 0: not begun */
  unsigned until : 4; /* the server's own deadline */
  unsigned belief : 4; /* the client holds it until then; 0: it does not */
  unsigned state : 2;
  unsigned from : 3; /* handed on by this bid, counted from 1 */
  bit heard;
  bit released;
  bit moved; /* the client has gone to another server, with a new secret */
};

/* Of the lease that is kept: extensions by the first server of its client (0), adoptions by the second (1). */
typedef Round {
  unsigned since : 4; /* 0: none */
  unsigned used : 2;
  bit counted; /* the server has its quorum */
  unsigned read : 5; /* the ballot of the node that misses it */
};

Node node[3];
Bid bid[BIDS];
#define KEPT bid[0]
#if ROUNDS > 0
Round round[2];
#endif
byte now = 1;
byte highest = 0; /* the greatest token a client was given */
byte wipes = 0;

byte name[3];
int spare; /* always 0 between steps */

#include "steps.pml"

init {
  d_step {
    name[0] = 1;
    name[1] = 2;
    name[2] = 3;
  }
  do
  :: tick()
  EACH_BID(BIDDING)
  EACH_BID(SCRIPTS)
  KEEPING
  MOVING
  FREEING
  :: wipe(0)
  :: wipe(1)
  :: wipe(2)
  :: d_step { now == HORIZON -> skip } -> break
  od
}
