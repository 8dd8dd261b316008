#ifndef RUNSC_MARSHAL_TABLE_H
#define RUNSC_MARSHAL_TABLE_H
#include <stdint.h>
enum { MARSHAL_STRING = 1, MARSHAL_BYTES, MARSHAL_STRUCT, MARSHAL_IOVEC, MARSHAL_IOVEC_GATHER };
struct marshal_step { uint8_t kind, arg, len_arg, pad; uint32_t size; };
struct marshal_row { uint32_t count; struct marshal_step steps[4]; };
#define MARSHAL_ROWS 2
static const struct marshal_row marshal_table[MARSHAL_ROWS] = {[1] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}};
#endif
