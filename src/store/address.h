/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_ADDRESS_H
#define FEDGE_STORE_ADDRESS_H
/* Where a store is: the path of an SQLite file, or the address of a PostgreSQL database ("postgresql://…", PostgreSQL
 * documentation, "Connection URIs"). Nothing here opens or asks anything. */
#include "base/span.h"

bool store_address_is_postgres(struct span address);

#define STORE_ADDRESS_SIZE 512
/* For people: a path as it is; of a database who, where and which, but never a password:
 * "postgresql://fedge@db.example:5432/fedge". What cannot be read as an address is not shown at all, since anything in
 * it may be a password: "postgresql://…". Cut where it is too long. */
void store_address_show(struct span address, char ret_text[STORE_ADDRESS_SIZE]);

/* 0, or -EINVAL and what is wrong with a database's address, without the address: "has no option `sslmod`". A path is
 * always good. */
#define STORE_ADDRESS_ERROR_SIZE 160
int store_address_check(struct span address, char reterr_text[STORE_ADDRESS_ERROR_SIZE]);
/* True where a password, or what is stored, may cross a network in the clear: a host that is not this machine, and an
 * sslmode that does not insist on TLS. */
bool store_address_is_exposed(struct span address);
#endif
