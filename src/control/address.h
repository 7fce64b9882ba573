/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONTROL_ADDRESS_H
#define FEDGE_CONTROL_ADDRESS_H
/* For this folder only: the path of a socket as the kernel wants it. */
#include <sys/socket.h>
#include <sys/un.h>

/* 0, -EINVAL (empty) or -ENAMETOOLONG. */
int control_address(const char *path, struct sockaddr_un *ret_address);
#endif
