// error: ignoring return(ed)? value
#include <tracking/status.h>

tracking::Status close_it();

void end() {
  close_it().ignore();
#ifdef MISUSE
  close_it();
#endif
}
