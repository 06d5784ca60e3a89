/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Settings, filled in by the loader before the programs are verified.
 */
#ifndef WGXDP_BPF_CONFIG_H
#define WGXDP_BPF_CONFIG_H

#include <wgxdp/abi.h>

const volatile struct wg_config config = {};

#endif
