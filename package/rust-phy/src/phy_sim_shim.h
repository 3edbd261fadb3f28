/* SPDX-License-Identifier: GPL-2.0 */
/* Between phy_sim's two halves: what C does for Rust, and what Rust answers. */
#ifndef PHY_SIM_SHIM_H
#define PHY_SIM_SHIM_H

#include <linux/types.h>

struct phy_sim_bus;

/* Implemented in Rust: an access to a register, in the context of the MDIO bus. */
int phy_sim_read(void *model, int addr, int regnum);
int phy_sim_write(void *model, int addr, int regnum, u16 val);

struct phy_sim_bus *phy_sim_bus_new(void *model);
void phy_sim_bus_free(struct phy_sim_bus *sim);
int phy_sim_bus_set_dt(struct phy_sim_bus *sim, const void *blob, size_t len);
int phy_sim_bus_wire_irq(struct phy_sim_bus *sim, int addr);
int phy_sim_bus_fire_irq(struct phy_sim_bus *sim, int addr);
int phy_sim_bus_fire_irq_later(struct phy_sim_bus *sim, int addr, unsigned int ms);
int phy_sim_bus_clock(struct phy_sim_bus *sim, int addr, const char *name, unsigned long rate);
int phy_sim_bus_settle(struct phy_sim_bus *sim, int addr);
int phy_sim_bus_start(struct phy_sim_bus *sim);
void phy_sim_bus_stop(struct phy_sim_bus *sim);
int phy_sim_bus_attach(struct phy_sim_bus *sim, int addr, const char *mode, u32 dev_flags);
int phy_sim_bus_detach(struct phy_sim_bus *sim, int addr);
const char *phy_sim_bus_netdev(struct phy_sim_bus *sim, int addr);
int phy_sim_bus_support_eee(struct phy_sim_bus *sim, int addr);
int phy_sim_bus_loopback(struct phy_sim_bus *sim, int addr, bool enable, int speed);

#endif
