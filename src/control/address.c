/* SPDX-License-Identifier: Apache-2.0 */
#include "control/address.h"

#include <errno.h>
#include <string.h>

int control_address(const char *path, struct sockaddr_un *ret_address)
{
	size_t length = strlen(path);
	if (length == 0)
		return -EINVAL;
	if (length >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_address->sun_path, path, length + 1);
	return 0;
}
